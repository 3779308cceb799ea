import type { DesiredService } from '../core/desired.ts'
import { ownKeys, policyKey, stickyKey } from './keys.ts'
import type { InferenceService } from './schema/inference-service.ts'
import { unsupportedStorage } from './storage.ts'
import { nearestName } from './unknown-fields.ts'

/** A check of ours that KServe does not make, or makes too late: the field, the value, what is allowed. */
export interface OwnRefusal {
  readonly message: string
  readonly path: readonly (string | number)[]
}

export function ownRefusal({ metadata, spec }: InferenceService): OwnRefusal | undefined {
  const annotations = metadata.annotations ?? {}
  for (const component of ['predictor', 'transformer', 'explainer'] as const) {
    const percent = spec[component]?.canaryTrafficPercent
    if (percent !== undefined && (percent < 0 || percent > 100)) {
      const path = ['spec', component, 'canaryTrafficPercent']
      return { message: `${path.join('.')}: ${percent} is out of range; allowed are 0 to 100`, path }
    }
  }
  const storage = storageRefusal(spec.predictor)
  if (storage !== undefined) return storage
  for (const key of Object.keys(annotations)) {
    if (!key.startsWith('pilotlight.dev/') || ownKeys.includes(key)) continue
    const nearest = nearestName(key, ownKeys)
    const hint = nearest === undefined ? `known is ${ownKeys.join(', ')}` : `did you mean ${nearest}?`
    return {
      message: `metadata.annotations[${key}]: unknown key; ${hint}`,
      path: ['metadata', 'annotations', key],
    }
  }
  const sticky = annotations[stickyKey]
  if (sticky !== undefined && stickyOf(sticky) === undefined) {
    return {
      message: `metadata.annotations[${stickyKey}]: "${sticky}" is not understood; allowed are header:NAME and cookie:NAME`,
      path: ['metadata', 'annotations', stickyKey],
    }
  }
  const policy = annotations[policyKey]
  if (policy !== undefined && policy !== 'llm') {
    return {
      message: `metadata.annotations[${policyKey}]: "${policy}" is not known; allowed is llm`,
      path: ['metadata', 'annotations', policyKey],
    }
  }
  return undefined
}

function storageRefusal({
  model,
  storageUris = [],
}: InferenceService['spec']['predictor']): OwnRefusal | undefined {
  const single = unsupportedStorage(model?.storageUri ?? '')
  if (single !== undefined) return { message: single, path: ['spec', 'predictor', 'model', 'storageUri'] }
  for (const [index, { uri = '' }] of storageUris.entries()) {
    const message = unsupportedStorage(uri)
    if (message !== undefined) return { message, path: ['spec', 'predictor', 'storageUris', index, 'uri'] }
  }
  return undefined
}

/** `header:X-User` or `cookie:session`; a name is an HTTP token. */
export function stickyOf(annotation: string): NonNullable<DesiredService['sticky']> | undefined {
  const parts = /^(header|cookie):([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/.exec(annotation)
  const from = parts?.[1]
  const name = parts?.[2]
  return (from === 'header' || from === 'cookie') && name !== undefined ? { from, name } : undefined
}
