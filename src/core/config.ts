import { z } from 'zod'

/**
 * Configuration is read once into a frozen value with every default applied. The keys under
 * `autoscaler` are those of Knative's ConfigMap `config-autoscaler`, and are checked by `autoscaler/`.
 */

const duration = (defaultMs: number) => z.number().min(0).default(defaultMs)

export const configSchema = z.strictObject({
  gateway: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('address the gateway listens on'),
      port: z.int().min(0).max(65_535).default(8080).describe('port of the gateway; 0 = any free port'),
      headBytesMax: z.int().min(1024).default(65_536).describe('largest request head, in bytes'),
      trustedProxies: z
        .array(z.string())
        .default([])
        .describe('addresses or CIDRs whose X-Forwarded-* headers are believed'),
      drainDelayMs: duration(0).describe('how long to go on accepting after SIGTERM; 0 = not at all'),
      drainTimeoutMs: duration(30_000).describe('how long in-flight requests may take after SIGTERM'),
      retriesMax: z.int().min(0).max(10).default(2).describe('retries on another replica; 0 = none'),
    })
    .prefault({}),
  admin: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('address the admin API listens on'),
      port: z.int().min(0).max(65_535).default(9090).describe('port of the admin API; 0 = any free port'),
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
    const got =
      issue.code === 'unrecognized_keys' ? '' : `; got ${JSON.stringify(valueAt(input, issue.path))}`
    return `${source}: ${field}: ${issue.message}${got}`
  })
  throw new ConfigError(lines.join('\n'))
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
