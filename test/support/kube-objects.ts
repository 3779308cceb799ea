import type { Revision } from '../../src/core/revision.ts'
import type { KubeObject } from '../../src/kubernetes/api/kube-object.ts'
import {
  DEFAULT_INITIALIZER,
  deploymentOf,
  NO_CREDENTIALS,
  type DeploymentInput,
  type GatewayService,
  type StorageSettings,
} from '../../src/kubernetes/objects/index.ts'
import { fieldsIn, isFields, type Fields } from '../../src/kubernetes/objects/json.ts'
import { deployedOne } from './kserve-service.ts'

export const storage: StorageSettings = {
  initializer: DEFAULT_INITIALIZER,
  containers: [],
  credentials: NO_CREDENTIALS,
  config: { secretName: 'storage-config', entries: {} },
}

export const gateway: GatewayService = {
  namespace: 'pilotlight',
  name: 'pilotlight-gateway',
  port: 80,
  clusterDomain: 'cluster.local',
}

/** The Deployment of the predictor, or of another component, of the one service in a manifest. */
export function deploymentFrom(
  manifest: string,
  {
    component: kind = 'predictor',
    ...options
  }: { readonly component?: Revision['component'] } & Partial<DeploymentInput> = {},
): KubeObject {
  const { service, revisions } = deployedOne(manifest)
  const revision = revisions.find(({ component }) => component === kind)
  if (revision === undefined) throw new Error(`no revision of a ${kind}`)
  return deploymentOf({ service, revision, ownerUid: 'uid-1', storage, ...options })
}

/** A field somewhere inside an object: `at(deployment, 'spec', 'template', 'spec')`. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, field) => (isFields(inner) ? inner[field] : undefined), value)
}

export function podOf(deployment: KubeObject): Fields {
  const pod = at(deployment, 'spec', 'template', 'spec')
  if (!isFields(pod)) throw new Error('a Deployment without a pod')
  return pod
}

/** A container, or an init container, of a Deployment's pod by name. */
export function containerIn(deployment: KubeObject, name = 'kserve-container'): Fields {
  const pod = podOf(deployment)
  const all = [...fieldsIn(pod['containers']), ...fieldsIn(pod['initContainers'])]
  const found = all.find((container) => container['name'] === name)
  if (found === undefined) throw new Error(`no container ${name} in ${JSON.stringify(all)}`)
  return found
}
