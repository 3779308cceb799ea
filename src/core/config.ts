import { z } from 'zod'

/**
 * Configuration is read once into a frozen value with every default applied. The keys under
 * `autoscaler` are those of Knative's ConfigMap `config-autoscaler`, and are checked by `autoscaler/`.
 */

const duration = (defaultMs: number) => z.number().min(0).default(defaultMs)
const count = (defaultCount: number) => z.int().min(0).default(defaultCount)
const port = (defaultPort: number) => z.int().min(0).max(65_535).default(defaultPort)
const file = () => z.string().min(1)

/** TLS towards clients. */
const tlsSchema = z
  .strictObject({
    port: port(8443).describe('port of the gateway for TLS; 0 = any free port'),
    certFile: file().describe('PEM file with the certificate, then those that lead to its CA'),
    keyFile: file().describe('PEM file with the key of the certificate, without a passphrase'),
    clientCaFile: file().optional().describe('PEM file with the CAs of client certificates'),
    clientCertificates: z
      .enum(['none', 'optional', 'required'])
      .optional()
      .describe('whether clients show a certificate; default: required if clientCaFile is given, else none'),
    minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('the oldest TLS that is spoken'),
  })
  .superRefine(({ clientCaFile, clientCertificates }, context) => {
    if (clientCaFile !== undefined || clientCertificates === undefined || clientCertificates === 'none')
      return
    const message = `Invalid input: ${clientCertificates} needs gateway.tls.clientCaFile`
    context.addIssue({ code: 'custom', path: ['clientCertificates'], message })
  })
  .transform((tls) => ({
    ...tls,
    clientCertificates: tls.clientCertificates ?? (tls.clientCaFile === undefined ? 'none' : 'required'),
  }))

/** TLS towards replicas that speak it. */
const upstreamTlsSchema = z.strictObject({
  caFile: file().optional().describe('PEM file with the CAs of replicas; default: those that Node brings'),
  verify: z.boolean().default(true).describe('whether the certificate of a replica is checked'),
  serverName: z
    .string()
    .min(1)
    .optional()
    .describe('the name that replicas are asked for and have to prove; default: their host'),
})

const gatewaySchema = z.strictObject({
  host: z.string().default('127.0.0.1').describe('address the gateway listens on'),
  port: port(8080).describe('port of the gateway; 0 = any free port'),
  headBytesMax: z.int().min(1024).default(65_536).describe('largest request head, in bytes'),
  headersMax: z.int().min(1).default(100).describe('most header fields of a request'),
  headTimeoutMs: duration(10_000).describe(
    'longest wait for the first byte of a connection, for a TLS handshake, and for the rest of a head; 0 = for ever',
  ),
  bodyIdleTimeoutMs: duration(60_000).describe(
    'longest silence of a client in mid-body, and of a reader that takes nothing; 0 = for ever',
  ),
  bodyBytesPerSecondMin: count(240).describe(
    'what a client that sends a body has to send on average over bodyIdleTimeoutMs; 0 = any',
  ),
  keepAliveTimeoutMs: duration(75_000).describe(
    'how long a connection stays open between two requests; 0 = for ever',
  ),
  requestsPerConnectionMax: count(0).describe('requests of one connection; 0 = any number'),
  // A process may usually open 20,000 files or more (Node raises the soft limit to the hard one by itself): this leaves
  // 3,600 for connections to replicas, logs and everything else.
  connectionsMax: count(16_384).describe('connections of clients; 0 = as many as the system gives'),
  connectionsPerAddressMax: count(0).describe('connections of one client address; 0 = any number'),
  trustedProxies: z
    .array(z.string())
    .default([])
    .describe('addresses or CIDRs whose X-Forwarded-* headers are believed'),
  drainDelayMs: duration(0).describe('how long to go on accepting after SIGTERM; 0 = not at all'),
  drainTimeoutMs: duration(30_000).describe('how long in-flight requests may take after SIGTERM'),
  retriesMax: z.int().min(0).max(10).default(2).describe('retries on another replica; 0 = none'),
  connectTimeoutMs: duration(5_000).describe(
    'how long connecting to a replica may take; 0 = as long as the system tries',
  ),
  upstreamIdleConnectionsMax: count(256).describe('unused connections kept per replica; 0 = none'),
  upstreamKeepAliveTimeoutMs: duration(60_000).describe(
    'how long an unused connection to a replica is kept; 0 = until the replica closes it',
  ),
  workers: z
    .int()
    .min(0)
    .max(256)
    .default(1)
    .describe('threads that carry requests; 0 and 1 = the main thread does'),
  tls: tlsSchema.optional(),
  upstreamTls: upstreamTlsSchema.prefault({}),
})

/** How we live on Kubernetes; not read by `up`. */
const kubernetesSchema = z.strictObject({
  gatewayService: z
    .string()
    .min(1)
    .default('pilotlight-gateway')
    .describe("name of the gateway's Service, in the namespace of the pod that reads this"),
  clusterDomain: z.string().min(1).default('cluster.local').describe("the cluster's DNS domain"),
  defaultDeploymentMode: z
    .enum(['Knative', 'Standard'])
    .default('Knative')
    .describe("KServe's deployment mode of services whose annotations name none"),
  timeoutSeconds: z.int().min(1).default(300).describe("KServe's timeout where a service gives none"),
  adopt: z
    .boolean()
    .default(false)
    .describe('serve only InferenceServices that are annotated pilotlight.dev/adopt: "true"'),
  gatewayApi: z
    .strictObject({
      parentRefs: z
        .array(
          z.strictObject({
            name: z.string().min(1),
            namespace: z.string().min(1).optional(),
            sectionName: z.string().min(1).optional(),
          }),
        )
        .default([])
        .describe('Gateways that every service gets an HTTPRoute for; none = no HTTPRoutes'),
    })
    .prefault({}),
  ingressClassName: z
    .string()
    .min(1)
    .optional()
    .describe('class of the Ingress that every service gets; none = no Ingresses'),
  storageInitializerImage: z
    .string()
    .min(1)
    .default('kserve/storage-initializer:v0.20.0')
    .describe('image that fetches models where no ClusterStorageContainer matches'),
  shippedObjectsDir: z
    .string()
    .min(1)
    .optional()
    .describe('folder of YAML files that the leading controller applies: ClusterServingRuntimes, for one'),
})

/** The Redis through which gateways and the controller hear each other, where they are processes of their own. */
const redisSchema = z
  .strictObject({
    url: z
      .url({
        protocol: /^rediss?$/,
        error: 'Invalid input: expected redis://host:port or rediss://host:port',
      })
      .describe('redis://user:password@host:port/db; rediss:// for TLS'),
    prefix: z
      .string()
      .regex(/^[\w.:-]{1,100}$/, 'Invalid input: expected 1 to 100 of letters, digits and _ . : -')
      .default('pilotlight')
      .describe('what all names in Redis begin with; another one for each installation'),
    caFile: file()
      .optional()
      .describe('PEM file with the CAs for rediss://; default: those that Node brings'),
    passwordFile: file().optional().describe('file with the password, in place of the one in the URL'),
    askTimeoutMs: z
      .number()
      .min(1)
      .default(1_000)
      .describe('how long the controller waits for the answers of all gateways'),
  })
  .superRefine(({ url, caFile }, context) => {
    if (caFile === undefined || url.startsWith('rediss:')) return
    const message = 'Invalid input: needs redis.url to begin with rediss://'
    context.addIssue({ code: 'custom', path: ['caFile'], message })
  })

/** Where metrics come from that revisions scale on. */
const metricsSchema = z.strictObject({
  periodMs: z
    .number()
    .min(100)
    .default(5_000)
    .describe('how often replicas and servers are asked for the metrics of class hpa and llm'),
  timeoutMs: z.number().min(1).default(3_000).describe('how long one answer may take'),
  staleAfterMs: z
    .number()
    .min(100)
    .default(30_000)
    .describe('what was measured longer ago counts as missing'),
  prometheus: z
    .strictObject({
      url: z
        .url({ protocol: /^https?$/, error: 'Invalid input: expected http://host:port or https://host:port' })
        .optional()
        .describe('Prometheus server of metrics that name none'),
      bearerTokenFile: file()
        .optional()
        .describe('file with the token that is sent to prometheus.url, and nowhere else'),
      caFile: file()
        .optional()
        .describe('PEM file with the CAs of Prometheus servers; default: those that Node brings'),
    })
    .prefault({}),
  dcgm: z
    .strictObject({
      selectors: z
        .array(z.string().min(1))
        .default(['app=nvidia-dcgm-exporter', 'app.kubernetes.io/name=dcgm-exporter'])
        .describe(
          "label selectors of the pods of NVIDIA's DCGM exporter, in all namespaces; none = there are none",
        ),
      port: port(9400).describe('port of the DCGM exporter'),
    })
    .prefault({}),
})

export const configSchema = z.strictObject({
  gateway: gatewaySchema.prefault({}),
  admin: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('address the admin API listens on'),
      port: port(9090).describe('port of the admin API; 0 = any free port'),
    })
    .prefault({}),
  ingress: z
    .strictObject({
      ingressDomain: z.string().min(1).default('localhost'),
      domainTemplate: z
        .string()
        .default('{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}')
        .describe("KServe's domainTemplate: {{ .Name }}, {{ .Namespace }}, {{ .IngressDomain }}"),
      pathTemplate: z.string().default('/serving/{{ .Namespace }}/{{ .Name }}'),
      urlScheme: z.enum(['http', 'https']).default('http'),
    })
    .prefault({}),
  queue: z
    .strictObject({
      depthMax: z.int().min(0).default(10_000).describe('requests that may wait for one revision'),
      bytesMax: z
        .int()
        .min(0)
        .default(1_073_741_824)
        .describe('request bytes that may wait for one revision'),
      activationTimeoutMs: duration(900_000).describe('longest wait for a replica; 0 = for ever'),
    })
    .prefault({}),
  revisions: z
    .strictObject({
      keep: z.int().min(0).default(20).describe('unused revisions kept per component'),
      progressDeadlineMs: duration(600_000).describe(
        'how long a revision may take to its first ready replica',
      ),
    })
    .prefault({}),
  local: z
    .strictObject({
      stateDir: z.string().default('.pilotlight').describe('folder for revisions, logs and downloads'),
      storage: z
        .record(z.string(), z.string())
        .default({})
        .describe('URI prefix -> folder or https mirror; the longest prefix wins'),
      gpus: z
        .union([z.literal('auto'), z.array(z.string())])
        .default('auto')
        .describe('GPU ids for CUDA_VISIBLE_DEVICES; auto = ask nvidia-smi'),
      terminationGracePeriodMs: duration(30_000).describe('SIGTERM to SIGKILL'),
    })
    .prefault({}),
  kubernetes: kubernetesSchema.prefault({}),
  metrics: metricsSchema.prefault({}),
  redis: redisSchema.optional(),
  autoscaler: z
    .record(z.string(), z.string())
    .default({})
    .describe("keys of Knative's config-autoscaler, values as strings: stable-window: 60s"),
})

export type Config = z.infer<typeof configSchema>

/** What is wrong with a configuration: the field, the value and what is allowed, one line a problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/**
 * Reads a configuration, e.g. the parsed YAML of `pilotlight.yaml`.
 * @throws ConfigError naming every field that is wrong.
 */
export function readConfig(input: unknown, source = 'configuration'): Config {
  const parsed = configSchema.safeParse(input ?? {})
  if (parsed.success) return deepFreeze(parsed.data)
  const lines = parsed.error.issues.map((issue) => {
    const field = issue.path.join('.') || '(top level)'
    // Of an unknown key the message names the key: its value would say nothing.
    const got = issue.code === 'unrecognized_keys' ? '' : `; got ${shown(valueAt(input, issue.path))}`
    return `${source}: ${field}: ${issue.message}${got}`
  })
  throw new ConfigError(lines.join('\n'))
}

/** As JSON, with the user and the password of a URL left out. */
function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'undefined').replaceAll(/:\/\/[^/"]*@/g, '://...@')
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    input,
  )
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner)
    Object.freeze(value)
  }
  return value
}
