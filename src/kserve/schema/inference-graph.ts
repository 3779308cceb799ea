import { z } from 'zod'

import { fields, objectMeta, podFields } from './kubernetes.ts'

/** InferenceGraph, `serving.kserve.io/v1alpha1`: recognised and checked, not served. */

const text = z.string()

export const inferenceGraphSchema = z.looseObject({
  apiVersion: text,
  kind: z.literal('InferenceGraph'),
  metadata: objectMeta,
  spec: fields({
    nodes: z.record(
      text,
      z.looseObject({
        routerType: z.enum(['Sequence', 'Splitter', 'Ensemble', 'Switch']),
        steps: z
          .array(
            fields({
              name: text,
              nodeName: text,
              serviceName: text,
              serviceUrl: text,
              data: text,
              mapPredictionsToInstances: z.boolean(),
              weight: z.int(),
              condition: text,
              dependency: z.enum(['Soft', 'Hard']),
            }),
          )
          .optional(),
      }),
    ),
    resources: z.unknown(),
    affinity: podFields.affinity,
    tolerations: podFields.tolerations,
    nodeSelector: podFields.nodeSelector,
    nodeName: podFields.nodeName,
    serviceAccountName: podFields.serviceAccountName,
    timeout: z.int(),
    routerTimeouts: fields({
      serverRead: z.int(),
      serverWrite: z.int(),
      serverIdle: z.int(),
      serviceClient: z.int(),
    }),
    minReplicas: z.int(),
    maxReplicas: z.int(),
    scaleTarget: z.int(),
    scaleMetric: z.enum(['cpu', 'memory', 'concurrency', 'rps']),
  }).required({ nodes: true }),
  status: z.unknown().optional(),
})
export type InferenceGraph = z.infer<typeof inferenceGraphSchema>
