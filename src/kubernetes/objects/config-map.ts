import { z } from 'zod'
import { pathPrefix, publicHost, UrlTemplateError, type UrlOptions } from '../../kserve/index.ts'
import type { GatewayApiSettings, ParentRef } from './http-routes.ts'
import type { IngressSettings } from './ingress.ts'
import { DEFAULT_CREDENTIALS, type CredentialSettings } from './storage/credentials.ts'
import { DEFAULT_INITIALIZER, type InitializerSettings } from './storage/settings.ts'

/** A ConfigMap that says something we cannot follow. */
export class ConfigMapError extends Error {
  override readonly name = 'ConfigMapError'
}

/** What we honour of KServe's ConfigMap `inferenceservice-config`. */
export interface KServeConfiguration {
  /** As much as the ConfigMap says. */
  readonly urls: Partial<UrlOptions>
  /** How public addresses are shown to the world outside; undefined where the ConfigMap does not say. */
  readonly exposure?: Exposure
  readonly defaultMode?: 'Knative' | 'Standard'
  readonly initializer: InitializerSettings
  readonly credentials: CredentialSettings
  /** What is set there and has no effect here, one sentence each. */
  readonly warnings: readonly string[]
}

export type Exposure =
  | { readonly kind: 'none' }
  | { readonly kind: 'gateway-api'; readonly settings: GatewayApiSettings }
  | { readonly kind: 'ingress'; readonly settings: IngressSettings }

const text = z.string()
const flag = z.boolean()

const schemas = {
  ingress: z
    .object({
      ingressDomain: text.regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'has to be a domain such as example.com'),
      domainTemplate: text,
      pathTemplate: text,
      urlScheme: z.enum(['http', 'https']),
      ingressClassName: text,
      enableGatewayApi: flag,
      kserveIngressGateway: text.regex(/^[^/]+\/[^/]+$/, 'has to be namespace/name of a Gateway'),
      disableIngressCreation: flag,
      disableHTTPRouteTimeout: flag,
      additionalIngressDomains: z.array(text),
    })
    .partial(),
  deploy: z
    .object({
      defaultDeploymentMode: z.enum(['Knative', 'Serverless', 'Standard', 'RawDeployment']),
    })
    .partial(),
  storageInitializer: z
    .object({
      image: text.min(1),
      cpuRequest: text,
      cpuLimit: text,
      memoryRequest: text,
      memoryLimit: text,
      caBundleConfigMapName: text,
      caBundleVolumeMountPath: text,
      ociModelMode: z.enum(['', 'native', 'fetch', 'modelcar']),
      ociInsecureRegistry: flag,
    })
    .partial(),
  credentials: z
    .object({
      storageSpecSecretName: text,
      storageSecretNameAnnotation: text,
      gcs: z.object({ gcsCredentialFileName: text }).partial(),
      s3: z
        .object({
          s3AccessKeyIDName: text,
          s3SecretAccessKeyName: text,
          s3Endpoint: text,
          s3UseHttps: text,
          s3Region: text,
          s3VerifySSL: text,
          s3UseVirtualBucket: text,
          s3UseAccelerate: text,
          s3UseAnonymousCredential: text,
          s3CABundle: text,
          s3CABundleConfigMap: text,
        })
        .partial(),
    })
    .partial(),
}

/**
 * Reads `data` of the ConfigMap; keys and fields that we have no use for are passed over, and an empty text is as good as
 * none, as in KServe.
 * @throws ConfigMapError naming the key, the field, its value and what is allowed.
 */
export function configurationFromConfigMap(data: Readonly<Record<string, string>>): KServeConfiguration {
  const ingress = read(data, 'ingress', schemas.ingress)
  const deploy = read(data, 'deploy', schemas.deploy)
  const initializer = read(data, 'storageInitializer', schemas.storageInitializer)
  const credentials = read(data, 'credentials', schemas.credentials)
  const exposure = exposureOf(ingress)
  const mode = deploy.defaultDeploymentMode
  return {
    urls: urlsOf(ingress),
    ...(exposure === undefined ? {} : { exposure }),
    ...(mode === undefined
      ? {}
      : { defaultMode: mode === 'Knative' || mode === 'Serverless' ? 'Knative' : 'Standard' }),
    initializer: initializerOf(initializer),
    credentials: credentialsOf(credentials),
    warnings: [
      ...((ingress.additionalIngressDomains ?? []).length === 0
        ? []
        : ['ingress.additionalIngressDomains: services have the hosts of ingressDomain only']),
      ...(initializer.ociModelMode === 'modelcar'
        ? [
            'storageInitializer.ociModelMode: modelcar is not made; oci:// is mounted as a volume of its image (native)',
          ]
        : []),
    ],
  }
}

function read<T>(data: Readonly<Record<string, string>>, key: string, schema: z.ZodType<T>): T {
  const given = data[key]
  const parsed = schema.safeParse(given === undefined ? {} : withoutEmpty(key, json(key, given)), {
    reportInput: true,
  })
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message, input }) => {
    const field = [key, ...path].join('.')
    return `${field}${input === undefined ? '' : `: ${JSON.stringify(input)}`}: ${message}`
  })
  throw new ConfigMapError(problems.join('; '))
}

function json(key: string, given: string): unknown {
  try {
    return JSON.parse(given)
  } catch (error) {
    throw new ConfigMapError(
      `${key}: has to be JSON: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function withoutEmpty(key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigMapError(`${key}: has to be a JSON object, such as {"name": "value"}`)
  }
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== '' && field !== null))
}

function urlsOf(ingress: z.infer<typeof schemas.ingress>): Partial<UrlOptions> {
  const { ingressDomain, domainTemplate, pathTemplate, urlScheme } = ingress
  for (const [field, template] of Object.entries({ domainTemplate, pathTemplate })) {
    if (template !== undefined) checkTemplate(field, template)
  }
  return {
    ...(ingressDomain === undefined ? {} : { ingressDomain }),
    ...(domainTemplate === undefined ? {} : { domainTemplate }),
    ...(pathTemplate === undefined ? {} : { pathTemplate }),
    ...(urlScheme === undefined ? {} : { urlScheme }),
  }
}

/** Renders it once: Go's templates know more than we do. */
function checkTemplate(field: string, template: string): void {
  const options: UrlOptions = {
    domainTemplate: 'x',
    pathTemplate: '',
    ingressDomain: 'example.com',
    urlScheme: 'http',
    [field]: template,
  }
  try {
    const rendered =
      field === 'pathTemplate' ? pathPrefix(options, 'iris', 'ml') : publicHost(options, 'iris', 'ml')
    if (rendered?.includes('{{') === true) {
      throw new UrlTemplateError(
        `${field}: '${template}' has a placeholder that is not known; allowed are {{ .Name }}, {{ .Namespace }} and {{ .IngressDomain }}`,
      )
    }
    if (field === 'pathTemplate' && rendered?.startsWith('/') === false) {
      throw new UrlTemplateError(`${field}: '${template}' has to begin with /`)
    }
  } catch (error) {
    throw error instanceof UrlTemplateError ? new ConfigMapError(`ingress.${error.message}`) : error
  }
}

function exposureOf(ingress: z.infer<typeof schemas.ingress>): Exposure | undefined {
  if (ingress.disableIngressCreation === true) return { kind: 'none' }
  if (ingress.enableGatewayApi === true) {
    const { kserveIngressGateway } = ingress
    if (kserveIngressGateway === undefined) {
      throw new ConfigMapError(
        'ingress.kserveIngressGateway: is needed with enableGatewayApi: namespace/name of a Gateway',
      )
    }
    const timeouts = ingress.disableHTTPRouteTimeout !== true
    return { kind: 'gateway-api', settings: { parentRefs: [parentRefOf(kserveIngressGateway)], timeouts } }
  }
  const { ingressClassName } = ingress
  return ingressClassName === undefined
    ? undefined
    : { kind: 'ingress', settings: { ingressClassName, placement: 'service' } }
}

/** `kserve/kserve-ingress-gateway` */
export function parentRefOf(namespaceAndName: string): ParentRef {
  const [namespace = '', name = ''] = namespaceAndName.split('/')
  return { namespace, name }
}

function initializerOf(given: z.infer<typeof schemas.storageInitializer>): InitializerSettings {
  const { requests, limits } = DEFAULT_INITIALIZER
  const configMapName = given.caBundleConfigMapName
  return {
    image: given.image ?? DEFAULT_INITIALIZER.image,
    requests: {
      cpu: given.cpuRequest ?? requests['cpu'] ?? '',
      memory: given.memoryRequest ?? requests['memory'] ?? '',
    },
    limits: {
      cpu: given.cpuLimit ?? limits['cpu'] ?? '',
      memory: given.memoryLimit ?? limits['memory'] ?? '',
    },
    ...(configMapName === undefined
      ? {}
      : {
          caBundle: { configMapName, mountPath: given.caBundleVolumeMountPath ?? '/etc/ssl/custom-certs' },
        }),
    oci: given.ociModelMode === 'fetch' ? 'fetch' : 'native',
    ociInsecureRegistry: given.ociInsecureRegistry ?? false,
  }
}

function credentialsOf(given: z.infer<typeof schemas.credentials>): CredentialSettings {
  const { s3AccessKeyIDName, s3SecretAccessKeyName, ...s3 } = given.s3 ?? {}
  return {
    storageSecretName: given.storageSpecSecretName ?? DEFAULT_CREDENTIALS.storageSecretName,
    secretNameAnnotation: given.storageSecretNameAnnotation ?? DEFAULT_CREDENTIALS.secretNameAnnotation,
    accessKeyIdName: s3AccessKeyIDName ?? DEFAULT_CREDENTIALS.accessKeyIdName,
    secretAccessKeyName: s3SecretAccessKeyName ?? DEFAULT_CREDENTIALS.secretAccessKeyName,
    gcsFileName: given.gcs?.gcsCredentialFileName ?? DEFAULT_CREDENTIALS.gcsFileName,
    s3: Object.fromEntries(Object.entries(s3).filter(([, value]) => value !== undefined && value !== '')),
  }
}
