import { z } from 'zod'
import {
  AutoscalerConfigError,
  defaultAutoscalerConfig,
  readAutoscalerConfig,
  type AutoscalerConfig,
} from '../../autoscaler/settings.ts'
import { difference, first } from './compare.ts'
import { vectorKind } from './vector-kind.ts'

/** A configuration in the vectors: the ConfigMap's keys, durations in ms. */
export const configValues = z.record(z.string(), z.union([z.number(), z.boolean(), z.string()]))

type Fields<T> = {
  [Field in keyof AutoscalerConfig]: AutoscalerConfig[Field] extends T ? Field : never
}[keyof AutoscalerConfig]

const numberFields: Readonly<Record<string, Fields<number>>> = {
  'activator-capacity': 'activatorCapacity',
  'container-concurrency-target-default': 'containerConcurrencyTargetDefault',
  'container-concurrency-target-fraction': 'containerConcurrencyTargetFraction',
  'initial-scale': 'initialScale',
  'max-scale': 'maxScale',
  'max-scale-down-rate': 'maxScaleDownRate',
  'max-scale-limit': 'maxScaleLimit',
  'max-scale-up-rate': 'maxScaleUpRate',
  'min-scale': 'minScale',
  'panic-threshold-percentage': 'panicThresholdPercentage',
  'panic-window-percentage': 'panicWindowPercentage',
  'requests-per-second-target-default': 'requestsPerSecondTargetDefault',
  'scale-down-delay-ms': 'scaleDownDelayMs',
  'scale-to-zero-grace-period-ms': 'scaleToZeroGracePeriodMs',
  'scale-to-zero-pod-retention-period-ms': 'scaleToZeroPodRetentionPeriodMs',
  'stable-window-ms': 'stableWindowMs',
  'target-burst-capacity': 'targetBurstCapacity',
  'target-utilization': 'targetUtilization',
  target_utilization: 'targetUtilization',
}

const booleanFields: Readonly<Record<string, Fields<boolean>>> = {
  'allow-zero-initial-scale': 'allowZeroInitialScale',
  'enable-scale-to-zero': 'enableScaleToZero',
}

/**
 * A configuration as the reference's tests build it: values over the defaults, without a ConfigMap's checks. Its
 * percentage is the fraction times 100: unlike in a ConfigMap, 0.1 is a tenth of a percent.
 */
export function configOf(values: z.infer<typeof configValues>): AutoscalerConfig {
  const config: { -readonly [Field in keyof AutoscalerConfig]: AutoscalerConfig[Field] } = {
    ...defaultAutoscalerConfig,
  }
  for (const [key, value] of Object.entries(values)) {
    const numberField = numberFields[key]
    const booleanField = booleanFields[key]
    if (key === 'container-concurrency-target-percentage') {
      config.containerConcurrencyTargetFraction = Number(value) / 100
    } else if (key === 'pod-autoscaler-class') config.podAutoscalerClass = String(value)
    else if (numberField !== undefined) config[numberField] = Number(value)
    else if (booleanField !== undefined) config[booleanField] = value === true
    else throw new Error(`config key ${key} is not known to the adapter`)
  }
  return config
}

const configCase = z.object({
  data: z.record(z.string(), z.string()).nullable(),
  want: configValues.nullish(),
  want_error: z.boolean(),
})

export const autoscalerConfigs = vectorKind('config_autoscaler', configCase, ({ data, want, want_error }) => {
  try {
    const config = readAutoscalerConfig(data ?? {})
    if (want_error) return `accepted, want an error: ${JSON.stringify(data)}`
    return first(
      Object.entries(want ?? {}).map(([key, value]) => difference(key, valueOf(config, key), value)),
    )
  } catch (error) {
    if (!(error instanceof AutoscalerConfigError)) throw error
    return want_error ? undefined : `refused, want no error: ${error.message}`
  }
})

function valueOf(config: AutoscalerConfig, key: string): string | number | boolean | undefined {
  if (key === 'pod-autoscaler-class') return config.podAutoscalerClass
  const field = numberFields[key] ?? booleanFields[key]
  return field === undefined ? undefined : config[field]
}
