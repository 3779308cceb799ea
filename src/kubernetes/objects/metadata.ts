import type { DesiredService } from '../../core/desired.ts'
import { childName, split } from '../../core/names.ts'
import type { Revision } from '../../core/revision.ts'
import type { OwnerReference } from '../api/kube-object.ts'
import { podMetadataOf } from '../../kserve/index.ts'
import { LABELS, MANAGED_BY } from '../names.ts'

/** Whose objects these are: a service, and the uid that the API server gave it. */
export interface Owner {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

export function ownerOf({ namespace, name }: DesiredService, uid: string): Owner {
  return { namespace, name, uid }
}

/** Everything of a service goes when the service goes. */
export function ownerReferences({ name, uid }: Owner): readonly OwnerReference[] {
  return [{ apiVersion: 'serving.kserve.io/v1beta1', kind: 'InferenceService', name, uid, controller: true }]
}

/** The labels of everything that we write for a service. */
export function serviceLabels(name: string): Record<string, string> {
  return { [LABELS.managedBy]: MANAGED_BY, [LABELS.service]: labelValue(name) }
}

/** What an object in front of a service carries of it: annotations are how ingress controllers and cert-manager are told. */
export function carriedMetadata(service: DesiredService): {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
} {
  const { labels, annotations = {} } = podMetadataOf(undefined, service, {}) ?? {}
  return {
    labels: { ...labels, ...serviceLabels(service.name) },
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  }
}

/** The labels of a revision's Deployment and pods: ours, and those that KServe's users select by. */
export function revisionLabels({
  name,
  service,
  component,
  componentName,
}: Revision): Record<string, string> {
  const serviceName = split(service).name
  return {
    ...serviceLabels(serviceName),
    [LABELS.revision]: split(name).name,
    [LABELS.component]: component,
    'serving.kserve.io/inferenceservice': labelValue(serviceName),
    component,
    app: labelValue(`isvc.${componentName}`),
  }
}

/** What selects the pods of a revision: one label, since a Deployment's selector can never be changed. */
export function revisionSelector({ name }: Pick<Revision, 'name'>): Record<string, string> {
  return { [LABELS.revision]: split(name).name }
}

/** A label holds 63 characters; a longer name keeps its head and a hash of the whole. */
function labelValue(name: string): string {
  return childName(name, '')
}
