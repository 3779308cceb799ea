import { z } from 'zod'

import { container, containerFields, fields, objectMeta, podFields } from './kubernetes.ts'

/** InferenceService, `serving.kserve.io/v1beta1`. Source: KServe's CRD and pkg/apis/serving/v1beta1. */

const text = z.string()
const count = z.int()
const countOrPercent = z.union([z.int(), text])

const metricTarget = fields({
  type: z.enum(['Utilization', 'Value', 'AverageValue']),
  value: z.union([text, z.number()]),
  averageValue: z.union([text, z.number()]),
  averageUtilization: count,
})
export type MetricTarget = z.infer<typeof metricTarget>

/** Of an HPA. Source: Kubernetes' autoscaling/v2. */
const scalingRules = fields({
  stabilizationWindowSeconds: count,
  selectPolicy: text,
  tolerance: z.union([text, z.number()]),
  policies: z.array(fields({ type: text, value: count, periodSeconds: count })),
})

const autoScaling = fields({
  metrics: z.array(
    z.looseObject({
      type: z.enum(['Resource', 'External', 'PodMetric']),
      resource: fields({ name: z.enum(['cpu', 'memory']), target: metricTarget }).optional(),
      external: fields({
        metric: fields({
          backend: z.enum(['prometheus', 'graphite']),
          serverAddress: text,
          query: text,
          namespace: text,
        }),
        authenticationRef: fields({ authenticationRef: fields({ name: text }), authModes: text }),
        target: metricTarget,
      }).optional(),
      podmetric: fields({
        metric: fields({
          backend: z.enum(['opentelemetry']),
          serverAddress: text,
          metricNames: z.array(text),
          query: text,
          operationOverTime: text,
        }),
        target: metricTarget,
      }).optional(),
    }),
  ),
  behavior: fields({ scaleUp: scalingRules, scaleDown: scalingRules }),
})
export type AutoScaling = z.infer<typeof autoScaling>

const extensionFields = {
  minReplicas: count,
  maxReplicas: count,
  scaleTarget: count,
  scaleMetric: z.enum(['cpu', 'memory', 'concurrency', 'rps']),
  scaleMetricType: z.enum(['Utilization', 'Value', 'AverageValue']),
  autoScaling,
  containerConcurrency: count,
  timeout: count,
  canaryTrafficPercent: count,
  logger: fields({
    url: text,
    mode: z.enum(['all', 'request', 'response']),
    metadataHeaders: z.array(text),
    metadataAnnotations: z.array(text),
    storage: fields({
      path: text,
      parameters: z.record(text, text),
      key: text,
      serviceAccountName: text,
    }),
    marshallerUrl: text,
    batchSize: count,
    batchInterval: text,
  }),
  batcher: fields({ maxBatchSize: count, maxLatency: count, timeout: count }),
  labels: z.record(text, text),
  annotations: z.record(text, text),
  /** Of a Deployment. Source: Kubernetes' apps/v1. */
  deploymentStrategy: fields({
    type: text,
    rollingUpdate: fields({ maxSurge: countOrPercent, maxUnavailable: countOrPercent }),
  }),
}

const storage = fields({
  key: text,
  path: text,
  parameters: z.record(text, text),
  schemaPath: text,
})

const framework = fields({
  ...containerFields,
  storageUri: text,
  storage,
  runtimeVersion: text,
  protocolVersion: text,
})

const model = fields({
  ...framework.shape,
  modelFormat: z.looseObject({ name: text, version: text.optional() }),
  runtime: text,
}).required({ modelFormat: true })
export type Model = z.infer<typeof model>

/** Fields of the predictor that name a framework, in the order in which KServe's webhook looks for them. */
export const frameworks = [
  'sklearn',
  'tensorflow',
  'xgboost',
  'pytorch',
  'triton',
  'onnx',
  'huggingface',
  'pmml',
  'lightgbm',
  'paddle',
] as const

const predictor = fields({
  ...podFields,
  ...extensionFields,
  sklearn: framework,
  tensorflow: framework,
  xgboost: framework,
  pytorch: framework,
  triton: framework,
  onnx: framework,
  huggingface: framework,
  pmml: framework,
  lightgbm: framework,
  paddle: framework,
  name: text,
  model,
  containers: z.array(container),
  storageUris: z.array(fields({ uri: text, mountPath: text })),
  storageContainerName: text,
  workerSpec: fields({
    ...podFields,
    containers: z.array(container),
    pipelineParallelSize: count,
    tensorParallelSize: count,
  }),
})
export type Predictor = z.infer<typeof predictor>

const transformer = fields({
  ...podFields,
  ...extensionFields,
  containers: z.array(container),
  storageUris: z.array(fields({ uri: text, mountPath: text })),
})
const explainer = fields({
  ...podFields,
  ...extensionFields,
  containers: z.array(container),
  storageUris: z.array(fields({ uri: text, mountPath: text })),
  art: fields({
    ...containerFields,
    type: text,
    storageUri: text,
    storage,
    runtimeVersion: text,
    config: z.record(text, text),
  }),
})
export type Transformer = z.infer<typeof transformer>
export type Explainer = z.infer<typeof explainer>

/** What predictor, transformer and explainer have in common. */
export type Extension = Pick<Transformer, keyof typeof extensionFields>

export const inferenceServiceSchema = z.looseObject({
  apiVersion: text,
  kind: z.literal('InferenceService'),
  metadata: objectMeta,
  spec: z.looseObject({
    predictor,
    transformer: transformer.optional(),
    explainer: explainer.optional(),
    canary: z
      // A canary without a predictor is refused by the webhook, for the name that it lacks.
      .array(z.looseObject({ trafficPercent: z.int().min(0).max(100), predictor: predictor.prefault({}) }))
      .optional(),
  }),
  status: z.unknown().optional(),
})
export type InferenceService = z.infer<typeof inferenceServiceSchema>
