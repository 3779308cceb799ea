import { z } from 'zod'
import { forbidden, invalid, notSupported, required, type Cause } from './cause.ts'
import { hpaManifest, type HpaManifest, type ManifestRules } from './manifest.ts'
import { referenceCauses, subdomainCauses } from './names.ts'
import { textOfQuantity } from './quantity.ts'
import { metricCauses } from './validate-metric.ts'

/** What the API server says to a manifest that is to be created. */
export type HpaVerdict =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly causes: readonly Cause[] }
  /** The JSON does not even have the types of an HPA. */
  | { readonly accepted: false; readonly decodeError: string }

const WINDOW_MAX_S = 3600
const PERIOD_MAX_S = 1800

/**
 * Whether Kubernetes would take this HorizontalPodAutoscaler, and every reason why not.
 * Reference: kubernetes pkg/apis/autoscaling/validation/validation.go.
 */
export function validateHpa(
  manifest: unknown,
  { scaleToZero = true }: { readonly scaleToZero?: boolean } = {},
): HpaVerdict {
  const decoded = hpaManifest.safeParse(manifest)
  if (!decoded.success) return { accepted: false, decodeError: z.prettifyError(decoded.error) }
  const { metadata, spec } = decoded.data
  const causes = [
    ...(metadata.name === '' ? unnamedCauses(metadata) : subdomainCauses('metadata.name', metadata.name)),
    ...boundsCauses(spec, { leastMin: scaleToZero ? 0 : 1 }),
    ...referenceCauses('spec.scaleTargetRef', spec.scaleTargetRef, { needsGroup: true }),
    ...(spec.metrics ?? []).flatMap((metric, index) => metricCauses(`spec.metrics[${index}]`, metric)),
    ...zeroCauses(spec),
    ...rulesCauses('spec.behavior.scaleUp', spec.behavior?.scaleUp),
    ...rulesCauses('spec.behavior.scaleDown', spec.behavior?.scaleDown),
  ]
  return causes.length === 0 ? { accepted: true } : { accepted: false, causes }
}

type Spec = HpaManifest['spec']

function unnamedCauses({ generateName }: HpaManifest['metadata']): Cause[] {
  return generateName === '' ? [required('metadata.name', 'name or generateName is required')] : []
}

function boundsCauses(
  { minReplicas, maxReplicas: max }: Spec,
  { leastMin }: { readonly leastMin: number },
): Cause[] {
  const min = minReplicas ?? 1
  const field = 'spec.maxReplicas'
  const tooLow = invalid('spec.minReplicas', min, `must be greater than or equal to ${leastMin}`)
  return [
    ...(min < leastMin ? [tooLow] : []),
    ...(max === 0 ? [required(field)] : []),
    ...(max < 0 ? [invalid(field, max, 'must be greater than or equal to 1')] : []),
    ...(max < min ? [invalid(field, max, 'must be greater than or equal to `minReplicas`')] : []),
  ]
}

/** From zero replicas only a metric that needs none of them leads back. */
function zeroCauses({ minReplicas, metrics }: Spec): Cause[] {
  const isMeasured = (metrics ?? []).some(({ type }) => type === 'Object' || type === 'External')
  if (minReplicas !== 0 || isMeasured) return []
  const detail = 'must specify at least one Object or External metric to support scaling to zero replicas'
  return [forbidden('spec.metrics', detail)]
}

function rulesCauses(field: string, rules: ManifestRules | null | undefined): Cause[] {
  if (rules == null) return []
  const { stabilizationWindowSeconds: window, selectPolicy, policies, tolerance } = rules
  return [
    ...(window == null ? [] : windowCauses(`${field}.stabilizationWindowSeconds`, window)),
    ...wordCauses(`${field}.selectPolicy`, selectPolicy ?? 'Max', ['Disabled', 'Max', 'Min']),
    // Only an absent list has a default.
    ...(policies?.length === 0 ? [required(`${field}.policies`, 'must specify at least one Policy')] : []),
    ...(policies ?? []).flatMap((policy, index) => policyCauses(`${field}.policies[${index}]`, policy)),
    ...(tolerance != null && tolerance.digits < 0n
      ? [invalid(`${field}.tolerance`, textOfQuantity(tolerance), 'must be greater than or equal to 0')]
      : []),
  ]
}

function windowCauses(field: string, seconds: number): Cause[] {
  if (seconds < 0) return [invalid(field, seconds, 'must be greater than or equal to zero')]
  if (seconds <= WINDOW_MAX_S) return []
  return [invalid(field, seconds, `must be less than or equal to ${WINDOW_MAX_S}`)]
}

function policyCauses(
  field: string,
  { type, value, periodSeconds }: NonNullable<ManifestRules['policies']>[number],
): Cause[] {
  return [
    ...wordCauses(`${field}.type`, type, ['Percent', 'Pods']),
    ...(value <= 0 ? [invalid(`${field}.value`, value, 'must be greater than zero')] : []),
    ...(periodSeconds <= 0
      ? [invalid(`${field}.periodSeconds`, periodSeconds, 'must be greater than zero')]
      : []),
    ...(periodSeconds > PERIOD_MAX_S
      ? [invalid(`${field}.periodSeconds`, periodSeconds, `must be less than or equal to ${PERIOD_MAX_S}`)]
      : []),
  ]
}

function wordCauses(field: string, word: string, known: readonly string[]): Cause[] {
  return known.includes(word) ? [] : [notSupported(field, word, known)]
}
