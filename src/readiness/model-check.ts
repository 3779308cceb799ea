import type { Address } from '../core/replica.ts'
import type { ReplicaTemplate } from '../core/revision.ts'
import type { Check } from './check.ts'

/** The model's ready endpoint in the protocol that it speaks, else a TCP connect. */
export function modelCheck(
  { modelName, protocol }: Pick<ReplicaTemplate, 'modelName' | 'protocol'>,
  { host, port }: Address,
  tls = false,
): Check {
  const common = { kind: 'http', scheme: tls ? 'HTTPS' : 'HTTP', host, port, headers: [] } as const
  const model = modelName === undefined ? undefined : encodeURIComponent(modelName)
  if (model !== undefined && protocol === 'v1') {
    return { ...common, path: `/v1/models/${model}`, readyInBody: true }
  }
  if (model !== undefined && protocol === 'v2') {
    return { ...common, path: `/v2/models/${model}/ready`, readyInBody: false }
  }
  return { kind: 'tcp', host, port }
}
