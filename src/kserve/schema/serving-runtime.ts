import { z } from 'zod'

import { container, containerFields, fields, objectMeta, podFields } from './kubernetes.ts'

/** ServingRuntime and ClusterServingRuntime, `serving.kserve.io/v1alpha1`. */

const text = z.string()

const runtimePod = {
  affinity: podFields.affinity,
  hostIPC: podFields.hostIPC,
  imagePullSecrets: podFields.imagePullSecrets,
  nodeSelector: podFields.nodeSelector,
  schedulerName: podFields.schedulerName,
  tolerations: podFields.tolerations,
  volumes: podFields.volumes,
  annotations: z.record(text, text),
  labels: z.record(text, text),
}

export const servingRuntimeSchema = z.looseObject({
  apiVersion: text,
  kind: z.enum(['ServingRuntime', 'ClusterServingRuntime']),
  metadata: objectMeta,
  spec: fields({
    ...runtimePod,
    securityContext: podFields.securityContext,
    resourceClaims: podFields.resourceClaims,
    containers: z.array(container).min(0),
    supportedModelFormats: z.array(
      z.looseObject({
        name: text,
        version: text.optional(),
        autoSelect: z.boolean().optional(),
        priority: z.int().min(1).optional(),
      }),
    ),
    protocolVersions: z.array(text),
    multiModel: z.boolean(),
    disabled: z.boolean(),
    grpcEndpoint: text,
    grpcDataEndpoint: text,
    httpDataEndpoint: text,
    replicas: z.int(),
    storageHelper: fields({ disabled: z.boolean() }),
    builtInAdapter: fields({
      serverType: text,
      runtimeManagementPort: z.int(),
      memBufferBytes: z.int(),
      modelLoadingTimeoutMillis: z.int(),
      env: containerFields.env,
    }),
    workerSpec: fields({
      ...runtimePod,
      ...podFields,
      containers: z.array(container),
      pipelineParallelSize: z.int(),
      tensorParallelSize: z.int(),
    }),
  }).required({ containers: true }),
  status: z.unknown().optional(),
})
export type ServingRuntimeManifest = z.infer<typeof servingRuntimeSchema>
export type ServingRuntimeSpec = ServingRuntimeManifest['spec']
