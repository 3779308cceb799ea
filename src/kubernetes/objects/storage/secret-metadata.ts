import type { KubeObject } from '../../api/kube-object.ts'
import { isFields, textIn } from '../json.ts'
import type { StorageConfig, StorageEntry } from './settings.ts'

/** What is known of a Secret: its values stay where they are, but for those that are no secrets. */
export interface SecretMetadata {
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  readonly keys: readonly string[]
  /** The values of the keys that say where and how, not who. */
  readonly settings: Readonly<Record<string, string>>
}

/** Keys whose values configure access and grant none: KServe copies them into variables. */
const publicKeys: ReadonlySet<string> = new Set([
  'S3_ENDPOINT',
  'S3_USE_HTTPS',
  'AWS_DEFAULT_REGION',
  'S3_VERIFY_SSL',
  'S3_USER_VIRTUAL_BUCKET',
  'S3_USE_ACCELERATE',
  'awsAnonymousCredential',
  'AWS_CA_BUNDLE',
  'AWS_CA_BUNDLE_CONFIGMAP',
  'https-host',
])

/** Of a Secret as the API server gives it, what may be kept. */
export function secretMetadataOf(secret: KubeObject): SecretMetadata {
  const data = isFields(secret['data']) ? secret['data'] : {}
  const settings = Object.keys(data).flatMap((key) => {
    const value = publicKeys.has(key) ? textIn(data, key) : undefined
    return value === undefined ? [] : [[key, decoded(value)] as const]
  })
  const { name, annotations = {} } = secret.metadata
  return { name, annotations, keys: Object.keys(data), settings: Object.fromEntries(settings) }
}

/** Of the secret behind `storage.key`, what may be kept: which entries there are, their type and their bucket. */
export function storageConfigOf(secretName: string, secret: KubeObject | undefined): StorageConfig {
  const data = isFields(secret?.['data']) ? secret['data'] : {}
  const entries = Object.keys(data).flatMap((key) => {
    const text = textIn(data, key)
    return text === undefined ? [] : [[key, entryOf(decoded(text), secretName, key)] as const]
  })
  return { secretName, entries: Object.fromEntries(entries) }
}

function entryOf(text: string, secretName: string, key: string): StorageEntry {
  const entry = parsed(text)
  if (!isFields(entry)) {
    // Its text is in no message.
    return {
      problem: `secret ${secretName}: entry ${key} has to be a JSON object, such as {"type": "s3", ...}`,
    }
  }
  const type = textIn(entry, 'type')
  const bucket = textIn(entry, 'bucket')
  const caBundleConfigMap = textIn(entry, 'cabundle_configmap')
  return {
    ...(type === undefined ? {} : { type }),
    ...(bucket === undefined ? {} : { bucket }),
    ...(caBundleConfigMap === undefined ? {} : { caBundleConfigMap }),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8')
}
