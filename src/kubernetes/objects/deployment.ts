import type { DesiredService } from '../../core/desired.ts'
import { split } from '../../core/names.ts'
import type { Revision } from '../../core/revision.ts'
import type { KubeObject } from '../api/kube-object.ts'
import { withHash } from './applied.ts'
import { isFields } from './json.ts'
import { ownerOf, ownerReferences, revisionLabels, revisionSelector } from './metadata.ts'
import { podSpecOf } from './pod-spec.ts'
import type { StorageSettings } from './storage/settings.ts'

export interface DeploymentInput {
  readonly service: DesiredService
  readonly revision: Revision
  /** `metadata.uid` of the InferenceService. */
  readonly ownerUid: string
  /** Left out where the number is somebody else's: then an apply does not touch it. */
  readonly replicas?: number
  readonly storage: StorageSettings
  /** How long the first ready pod may take before the Deployment says that it makes no progress; default 600. */
  readonly progressDeadlineSeconds?: number
}

const PROGRESS_DEADLINE_SECONDS = 600

/**
 * The Deployment of one revision, with the hash of what it says.
 *
 * A revision never changes, so its pods are replaced only when what we make of it does: another image of the storage
 * initializer, another release of ours. Then a new pod has to be ready before an old one goes (`maxUnavailable: 0`): where
 * there is no second GPU the old pods go on, and the Deployment waits.
 * @throws StorageError for a model that cannot be fetched as the manifest says.
 */
export function deploymentOf(input: DeploymentInput): KubeObject {
  const { service, revision, ownerUid, replicas, storage } = input
  const { podMetadata } = revision.template.replica
  const labels = { ...podMetadata?.labels, ...revisionLabels(revision) }
  const annotations = podMetadata?.annotations ?? {}
  const deployment = withHash({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: split(revision.name).name,
      namespace: split(revision.name).namespace,
      labels,
      ownerReferences: ownerReferences(ownerOf(service, ownerUid)),
    },
    spec: {
      revisionHistoryLimit: 0,
      progressDeadlineSeconds: input.progressDeadlineSeconds ?? PROGRESS_DEADLINE_SECONDS,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: revisionSelector(revision) },
      template: {
        metadata: { labels, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
        spec: podSpecOf(revision, storage),
      },
    },
  })
  // The hash does not know the number of replicas: that changes by scaling, which is no reason to apply again.
  const { spec } = deployment
  return replicas === undefined || !isFields(spec)
    ? deployment
    : { ...deployment, spec: { replicas, ...spec } }
}
