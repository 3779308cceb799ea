import type { DesiredService } from '../../../core/desired.ts'
import type { ReplicaTemplate } from '../../../core/revision.ts'
import type { KubeObject } from '../../api/kube-object.ts'
import { fieldsIn, textIn, type Fields } from '../json.ts'
import { s3Variables, type S3Defaults } from './s3.ts'
import type { SecretMetadata } from './secret-metadata.ts'
import type { StorageCredentials } from './settings.ts'

/** KServe's ConfigMap key `credentials`. */
export interface CredentialSettings {
  /** The secret that `storage.key` names an entry of. */
  readonly storageSecretName: string
  /** The annotation of a service that names the secret to be used instead of the account's. */
  readonly secretNameAnnotation: string
  /** Names of the keys of an S3 secret. */
  readonly accessKeyIdName: string
  readonly secretAccessKeyName: string
  readonly gcsFileName: string
  readonly s3: S3Defaults
}

export const DEFAULT_CREDENTIALS: CredentialSettings = Object.freeze({
  storageSecretName: 'storage-config',
  secretNameAnnotation: 'serving.kserve.io/storageSecretName',
  accessKeyIdName: 'AWS_ACCESS_KEY_ID',
  secretAccessKeyName: 'AWS_SECRET_ACCESS_KEY',
  gcsFileName: 'gcloud-application-credentials.json',
  s3: {},
})

/** Where the credentials of a service's pods come from. */
export interface CredentialSources {
  /** Of the pods' ServiceAccount. */
  readonly accountAnnotations: Readonly<Record<string, string>>
  /** The secrets that the account lists, in its order; or the one that the service's annotation names, alone. */
  readonly secrets: readonly SecretMetadata[]
}

/** The secrets whose metadata have to be read before a service's pods can be written. */
export interface SecretNames {
  /** For `CredentialSources.secrets`, in this order. */
  readonly credentials: readonly string[]
  /** For `StorageSettings.config`. */
  readonly config: string
}

/**
 * Which secrets those are: the one that the service's annotation names, or those of its pods' ServiceAccount
 * (`accountNameOf`).
 * @param account undefined where it is not there: then there are no credentials, as in KServe.
 */
export function secretNamesOf(
  { annotations }: Pick<DesiredService, 'annotations'>,
  account: KubeObject | undefined,
  settings: CredentialSettings = DEFAULT_CREDENTIALS,
): SecretNames {
  const named = annotations[settings.secretNameAnnotation]
  const listed = fieldsIn(account?.['secrets']).flatMap((secret) => textIn(secret, 'name') ?? [])
  return {
    credentials: named === undefined ? listed : [named],
    config: named ?? settings.storageSecretName,
  }
}

/** The ServiceAccount of a revision's pods. */
export function accountNameOf({ podSpec }: Pick<ReplicaTemplate, 'podSpec'>): string {
  return textIn(podSpec, 'serviceAccountName') ?? textIn(podSpec, 'serviceAccount') ?? 'default'
}

const iamRoleKey = 'eks.amazonaws.com/role-arn'

/**
 * What a downloader needs to get at storage, by reference to secrets. Source: KServe's
 * CreateSecretVolumeAndEnvFromServiceAccount; a secret that looks like none of those it knows is passed over.
 */
export function credentialsFor(
  { accountAnnotations, secrets }: CredentialSources,
  settings: CredentialSettings = DEFAULT_CREDENTIALS,
): StorageCredentials {
  // With an IAM role there is no key, but there may be an endpoint and a region.
  const role =
    accountAnnotations[iamRoleKey] === undefined ? [] : s3Variables(accountAnnotations, {}, settings.s3)
  const parts = secrets.map((secret) => credentialsIn(secret, settings))
  return {
    // A later variable of the same name goes before an earlier one: a secret says more than an account.
    env: byName([...role, ...parts.flatMap(({ env }) => env)]),
    volumes: byName(parts.flatMap(({ volumes }) => volumes)),
    volumeMounts: byName(parts.flatMap(({ volumeMounts }) => volumeMounts)),
  }
}

const none: StorageCredentials = { env: [], volumes: [], volumeMounts: [] }
const azureLegacy = ['SUBSCRIPTION_ID', 'TENANT_ID', 'CLIENT_ID', 'CLIENT_SECRET'] as const
const azureKeys = [
  'AZURE_STORAGE_ACCESS_KEY',
  'AZURE_ACCESS_TOKEN',
  'AZURE_ACCESS_EXPIRES_ON_SECONDS',
  'AZURE_ACCOUNT_NAME',
  'AZURE_SERVICE_URL',
] as const

function credentialsIn(secret: SecretMetadata, settings: CredentialSettings): StorageCredentials {
  const { name, keys } = secret
  const has = (key: string): boolean => keys.includes(key)
  const ref = (variable: string, key: string = variable): Fields => ({
    name: variable,
    valueFrom: { secretKeyRef: { name, key } },
  })

  const [idKey, accessKey] = has(settings.secretAccessKeyName)
    ? [settings.accessKeyIdName, settings.secretAccessKeyName]
    : ['awsAccessKeyID', 'awsSecretAccessKey']
  if (has(accessKey)) {
    const how = s3Variables(secret.annotations, secret.settings, settings.s3)
    return {
      ...none,
      env: [ref('AWS_ACCESS_KEY_ID', idKey), ref('AWS_SECRET_ACCESS_KEY', accessKey), ...how],
    }
  }
  if (has(settings.gcsFileName)) {
    const env = [{ name: 'GOOGLE_APPLICATION_CREDENTIALS', value: `/var/secrets/${settings.gcsFileName}` }]
    return { env, ...mounted('user-gcp-sa', name, '/var/secrets/') }
  }
  if (keys.some((key) => /^(?:AZ|AZURE)_CLIENT_ID$|^AZURE_ACCESS_TOKEN$/.test(key))) {
    const identity = azureLegacy.flatMap((part) => {
      const key = [`AZ_${part}`, `AZURE_${part}`].find(has)
      return key === undefined ? [] : [ref(`AZURE_${part}`, key)]
    })
    return { ...none, env: [...identity, ...azureKeys.filter(has).map((key) => ref(key))] }
  }
  if (has('AZURE_STORAGE_ACCESS_KEY')) return { ...none, env: [ref('AZURE_STORAGE_ACCESS_KEY')] }
  if (has('https-host')) {
    const host = secret.settings['https-host']
    // The variable's name is the host; its headers are often tokens, so they stay in the secret.
    return host === undefined || !has('headers')
      ? none
      : { ...none, env: [ref(`${host}-headers`, 'headers')] }
  }
  if (has('HDFS_NAMENODE'))
    return { ...none, ...mounted('hdfs-secrets', name, '/var/secrets/kserve-hdfscreds') }
  for (const token of ['HF_TOKEN', 'MODELSCOPE_API_TOKEN'])
    if (has(token)) return { ...none, env: [ref(token)] }
  return none
}

function mounted(
  volume: string,
  secretName: string,
  mountPath: string,
): Pick<StorageCredentials, 'volumes' | 'volumeMounts'> {
  return {
    volumes: [{ name: volume, secret: { secretName } }],
    volumeMounts: [{ name: volume, mountPath, readOnly: true }],
  }
}

function byName(items: readonly Fields[]): readonly Fields[] {
  return [...new Map(items.map((item) => [item['name'], item])).values()]
}
