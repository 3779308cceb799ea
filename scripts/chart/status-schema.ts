import { z } from 'zod'
import type { InferenceServiceStatus } from '../../src/core/status.ts'

/**
 * `status` of an InferenceService as the CRD knows it: KServe's fields, those that only KServe fills included, so
 * that objects which KServe wrote keep them.
 */
const text = z.string()
const count = z.int()

const address = z.looseObject({ url: text.optional() })

const traffic = z.looseObject({
  revisionName: text.optional(),
  latestRevision: z.boolean().optional(),
  configurationName: text.optional(),
  percent: count.optional(),
  tag: text.optional(),
  url: text.optional(),
})

const component = z.looseObject({
  latestReadyRevision: text.optional(),
  latestCreatedRevision: text.optional(),
  previousRolledoutRevision: text.optional(),
  latestRolledoutRevision: text.optional(),
  traffic: z.array(traffic).optional(),
  url: text.optional(),
  restUrl: text.optional(),
  grpcUrl: text.optional(),
  address: address.optional(),
})

const modelState = z.enum(['', 'Pending', 'Standby', 'Loading', 'Loaded', 'FailedToLoad'])

const modelStatus = z.looseObject({
  transitionStatus: z.enum(['', 'UpToDate', 'InProgress', 'BlockedByFailedLoad', 'InvalidSpec']).optional(),
  states: z
    .looseObject({ activeModelState: modelState.optional(), targetModelState: modelState.optional() })
    .optional(),
  lastFailureInfo: z
    .looseObject({
      location: text.optional(),
      reason: text.optional(),
      message: text.optional(),
      modelRevisionName: text.optional(),
      time: text.optional(),
      exitCode: count.optional(),
    })
    .optional(),
  copies: z.looseObject({ failedCopies: count, totalCopies: count.optional() }).optional(),
})

export const statusSchema = z.looseObject({
  observedGeneration: count.optional(),
  annotations: z.record(text, text).optional(),
  url: text.optional(),
  address: address.optional(),
  deploymentMode: text.optional(),
  servingRuntimeName: text.optional(),
  clusterServingRuntimeName: text.optional(),
  components: z.record(text, component).optional(),
  modelStatus: modelStatus.optional(),
  canaryStatuses: z
    .array(
      z.looseObject({
        name: text,
        ready: z.boolean().optional(),
        trafficPercent: count.optional(),
        modelStatus: modelStatus.optional(),
      }),
    )
    .optional(),
  conditions: z
    .array(
      z.looseObject({
        type: text,
        status: text,
        severity: text.optional(),
        reason: text.optional(),
        message: text.optional(),
        lastTransitionTime: text.nullable().optional(),
      }),
    )
    .optional(),
})

type Writable<T> = T extends readonly (infer Item)[]
  ? Writable<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Writable<T[Key]> }
    : T

/** What is written fits what the CRD keeps: fails to compile otherwise. */
export const fits = (status: Writable<InferenceServiceStatus>): z.input<typeof statusSchema> => status
