import { z } from 'zod'
import { configSchema } from '../../src/core/config.ts'

/** The values of the chart: every one has its default in values.yaml, and an unknown one is refused. */

const text = z.string()
const name = z.string().min(1)
const flag = z.boolean()
const port = z.int().min(1).max(65_535)
const anyObject = z.record(text, z.unknown())
const strings = z.record(text, text)
const objects = z.array(anyObject)
/** 0 = chosen by the cluster. */
const nodePort = z.int().min(0).max(65_535)
const budget = z.strictObject({ enabled: flag, minAvailable: z.union([z.int().min(0), text]) })

const placement = {
  priorityClassName: text,
  nodeSelector: strings,
  tolerations: objects,
  affinity: anyObject,
}

const workload = {
  ...placement,
  replicas: z.int().min(1),
  resources: anyObject,
  podAnnotations: strings,
  podLabels: strings,
  topologySpreadConstraints: objects,
  extraEnv: objects,
  podDisruptionBudget: budget,
  serviceAccount: z.strictObject({ annotations: strings }),
}

export const values = z.strictObject({
  mode: z.enum(['own', 'adopt']),
  profile: z.enum(['replicated', 'single']),
  fullnameOverride: text,
  image: z.strictObject({
    registry: text,
    repository: name,
    tag: text,
    digest: text,
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
  }),
  imagePullSecrets: z.array(z.strictObject({ name })),
  clusterDomain: name,
  crds: z.strictObject({ install: flag, takeOver: flag }),
  ingress: z.strictObject({
    ingressDomain: name,
    domainTemplate: name,
    pathTemplate: text,
    urlScheme: z.enum(['http', 'https']),
    ingressClassName: text,
  }),
  gatewayApi: z.strictObject({
    parentRefs: z.array(
      z.strictObject({
        name,
        namespace: name.optional(),
        sectionName: name.optional(),
        port: port.optional(),
      }),
    ),
  }),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']),
  gateway: z.strictObject({
    ...workload,
    service: z.strictObject({
      type: z.enum(['ClusterIP', 'LoadBalancer', 'NodePort']),
      port,
      tlsPort: port,
      annotations: strings,
      loadBalancerClass: text,
      externalTrafficPolicy: z.enum(['', 'Cluster', 'Local']),
      nodePort,
      tlsNodePort: nodePort,
    }),
    tls: z.strictObject({ secretName: text, clientCaSecretName: text }),
    trustedProxies: z.array(name),
    drainDelayMs: z.int().min(0),
    drainTimeoutMs: z.int().min(0),
    autoscaling: z.strictObject({
      enabled: flag,
      minReplicas: z.int().min(1),
      maxReplicas: z.int().min(1),
      targetCPUUtilizationPercentage: z.int().min(1),
    }),
    extraVolumes: objects,
    extraVolumeMounts: objects,
  }),
  controller: z.strictObject(workload),
  redis: z.strictObject({
    ...placement,
    url: z.union([z.literal(''), z.string().regex(/^rediss?:\/\//)]),
    existingSecret: text,
    existingSecretKey: name,
    image: name,
    password: text,
    resources: anyObject,
  }),
  runtimes: z.strictObject({
    enabled: flag,
    registry: text,
    kserveTag: name,
    images: strings,
    exclude: z.array(name),
  }),
  networkPolicy: z.strictObject({ enabled: flag, adminFrom: objects }),
  serviceMonitor: z.strictObject({ enabled: flag, interval: name, labels: strings }),
  rbac: z.strictObject({ aggregate: flag }),
  // Values of a chart that has this one as a part.
  global: anyObject.optional(),
})

/** `values.schema.json`; `config` is the configuration itself, so that a misspelt field ends the installation. */
export function valuesSchema(): unknown {
  const { properties = {}, ...schema } = z.toJSONSchema(values, { target: 'draft-7', io: 'input' })
  const { $schema: _, ...config } = z.toJSONSchema(configSchema, { target: 'draft-7', io: 'input' })
  return { ...schema, properties: { ...properties, config }, required: schema.required }
}
