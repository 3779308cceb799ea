import { z } from 'zod'
import { parseQuantity, type Quantity } from './quantity.ts'

/**
 * An autoscaling/v2 HorizontalPodAutoscaler as the API server decodes it: a field that is absent or null has its
 * zero value, fields that it does not know are dropped, and a wrong type is no HPA at all.
 */

const INT32 = 2 ** 31
const int32 = z
  .int()
  .min(-INT32)
  .max(INT32 - 1)
const optionalInt32 = int32.nullish()
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')

const quantity = z
  .union([z.string(), z.number()])
  .transform((value, context): Quantity => {
    const parsed = parseQuantity(value)
    if (parsed !== undefined) return parsed
    context.addIssue(`${JSON.stringify(value)} is no quantity, such as 500m, 0.5 or 1Gi`)
    return z.NEVER
  })
  .nullish()

/** An object whose fields all have their zero values where it is absent. */
function part<T extends z.ZodRawShape>(shape: T) {
  const schema = z.object(shape)
  return z.preprocess((value) => value ?? {}, schema)
}

const target = part({
  type: text,
  averageUtilization: optionalInt32,
  averageValue: quantity,
  value: quantity,
})
const metric = part({ name: text })
const reference = part({ apiVersion: text, kind: text, name: text })

const source = <T extends z.ZodRawShape>(shape: T) => z.object(shape).nullish()

const metricSpec = z.object({
  type: text,
  object: source({ describedObject: reference, metric, target }),
  external: source({ metric, target }),
  pods: source({ metric, target }),
  resource: source({ name: text, target }),
  containerResource: source({ name: text, container: text, target }),
})

const number = optionalInt32.transform((value) => value ?? 0)

const rules = z
  .object({
    stabilizationWindowSeconds: optionalInt32,
    selectPolicy: z.string().nullish(),
    policies: z.array(z.object({ type: text, value: number, periodSeconds: number })).nullish(),
    tolerance: quantity,
  })
  .nullish()

export const hpaManifest = z.object({
  metadata: part({ name: text, generateName: text }),
  spec: part({
    scaleTargetRef: reference,
    minReplicas: optionalInt32,
    maxReplicas: number,
    metrics: z.array(metricSpec).nullish(),
    behavior: z.object({ scaleUp: rules, scaleDown: rules }).nullish(),
  }),
})

export type HpaManifest = z.infer<typeof hpaManifest>
export type ManifestMetric = z.infer<typeof metricSpec>
export type ManifestTarget = z.infer<typeof target>
export type ManifestRules = NonNullable<z.infer<typeof rules>>
