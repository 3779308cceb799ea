import type { Fields } from '../json.ts'

/** KServe's ConfigMap key `credentials.s3`: values where neither annotation nor secret has one. */
export type S3Defaults = Readonly<Partial<Record<S3Setting, string>>>

type S3Setting =
  | 's3Endpoint'
  | 's3UseHttps'
  | 's3VerifySSL'
  | 's3UseAnonymousCredential'
  | 's3Region'
  | 's3UseVirtualBucket'
  | 's3UseAccelerate'
  | 's3CABundle'
  | 's3CABundleConfigMap'

/** Each setting: its annotation (behind `serving.kserve.io/`), and its name as a variable and as a key of the secret. */
const names: Readonly<Record<S3Setting, readonly [annotation: string, variable: string]>> = {
  s3Endpoint: ['s3-endpoint', 'S3_ENDPOINT'],
  s3UseHttps: ['s3-usehttps', 'S3_USE_HTTPS'],
  s3VerifySSL: ['s3-verifyssl', 'S3_VERIFY_SSL'],
  s3UseAnonymousCredential: ['s3-useanoncredential', 'awsAnonymousCredential'],
  s3Region: ['s3-region', 'AWS_DEFAULT_REGION'],
  s3UseVirtualBucket: ['s3-usevirtualbucket', 'S3_USER_VIRTUAL_BUCKET'],
  s3UseAccelerate: ['s3-useaccelerate', 'S3_USE_ACCELERATE'],
  s3CABundle: ['s3-cabundle', 'AWS_CA_BUNDLE'],
  s3CABundleConfigMap: ['s3-cabundle-configmap', 'AWS_CA_BUNDLE_CONFIGMAP'],
}

/** In KServe's order. */
const simple = [
  's3VerifySSL',
  's3UseAnonymousCredential',
  's3Region',
  's3UseVirtualBucket',
  's3UseAccelerate',
  's3CABundle',
  's3CABundleConfigMap',
] as const

/**
 * The variables that say where and how S3 is spoken to: an annotation goes before the secret's key, and that before the
 * default. Source: KServe's BuildS3EnvVars.
 */
export function s3Variables(
  annotations: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>>,
  defaults: S3Defaults,
): readonly Fields[] {
  const valueOf = (setting: S3Setting): string => {
    const [annotation, key] = names[setting]
    return annotations[`serving.kserve.io/${annotation}`] ?? settings[key] ?? defaults[setting] ?? ''
  }
  return [
    ...endpointVariables(valueOf('s3Endpoint').trim(), valueOf('s3UseHttps')),
    ...simple.flatMap((setting) => variable(names[setting][1], valueOf(setting))),
  ]
}

/** `minio.kserve:9000` with `S3_USE_HTTPS` 0 is `http://minio.kserve:9000`; a scheme in the endpoint decides by itself. */
function endpointVariables(endpoint: string, useHttps: string): readonly Fields[] {
  if (endpoint === '') return []
  const [, scheme, host = endpoint] = /^(https?):\/\/(.*)$/i.exec(endpoint) ?? []
  const flag = scheme === undefined ? useHttps : scheme.toLowerCase() === 'https' ? '1' : '0'
  const url = scheme === undefined ? `${flag === '0' ? 'http' : 'https'}://${host}` : endpoint
  return [
    ...variable('S3_USE_HTTPS', flag),
    { name: 'S3_ENDPOINT', value: host },
    { name: 'AWS_ENDPOINT_URL', value: url },
  ]
}

function variable(name: string, value: string): readonly Fields[] {
  return value === '' ? [] : [{ name, value }]
}
