import { describe, expect, it } from 'vitest'
import {
  accountNameOf,
  credentialsFor,
  DEFAULT_CREDENTIALS,
  secretNamesOf,
  type CredentialSettings,
} from './credentials.ts'
import { secretMetadataOf, type SecretMetadata } from './secret-metadata.ts'

const secret = (keys: readonly string[], more: Partial<SecretMetadata> = {}): SecretMetadata => ({
  name: 'creds',
  annotations: {},
  keys,
  settings: {},
  ...more,
})
const variables = (given: SecretMetadata, settings?: CredentialSettings) =>
  credentialsFor({ accountAnnotations: {}, secrets: [given] }, settings).env
const ref = (name: string, key: string = name) => ({
  name,
  valueFrom: { secretKeyRef: { name: 'creds', key } },
})
const awsKeys = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']

describe('the credentials of an S3 secret', () => {
  const endpoint = (annotations: Record<string, string>, settings: Record<string, string> = {}) =>
    variables(secret(awsKeys, { annotations, settings })).slice(2)

  it('are its keys, and the annotations that KServe reads', () => {
    const annotations = {
      'serving.kserve.io/s3-endpoint': 'minio.kserve:9000',
      'serving.kserve.io/s3-usehttps': '0',
      'serving.kserve.io/s3-region': 'us-east-2',
      'serving.kserve.io/s3-verifyssl': '0',
      'serving.kserve.io/s3-useanoncredential': 'false',
      'serving.kserve.io/s3-usevirtualbucket': '1',
      'serving.kserve.io/s3-useaccelerate': '0',
    }
    expect(variables(secret(awsKeys, { annotations }))).toEqual([
      ref('AWS_ACCESS_KEY_ID'),
      ref('AWS_SECRET_ACCESS_KEY'),
      { name: 'S3_USE_HTTPS', value: '0' },
      { name: 'S3_ENDPOINT', value: 'minio.kserve:9000' },
      { name: 'AWS_ENDPOINT_URL', value: 'http://minio.kserve:9000' },
      { name: 'S3_VERIFY_SSL', value: '0' },
      { name: 'awsAnonymousCredential', value: 'false' },
      { name: 'AWS_DEFAULT_REGION', value: 'us-east-2' },
      { name: 'S3_USER_VIRTUAL_BUCKET', value: '1' },
      { name: 'S3_USE_ACCELERATE', value: '0' },
    ])
  })

  it('say the scheme of the endpoint: its own, or https unless the secret says otherwise', () => {
    expect(endpoint({ 'serving.kserve.io/s3-endpoint': 'https://s3.example' })).toEqual([
      { name: 'S3_USE_HTTPS', value: '1' },
      { name: 'S3_ENDPOINT', value: 's3.example' },
      { name: 'AWS_ENDPOINT_URL', value: 'https://s3.example' },
    ])
    expect(endpoint({}, { S3_ENDPOINT: ' s3.example ' })).toEqual([
      { name: 'S3_ENDPOINT', value: 's3.example' },
      { name: 'AWS_ENDPOINT_URL', value: 'https://s3.example' },
    ])
  })

  it('can have KServe’s older names, or those of the ConfigMap, whose defaults hold where nothing is said', () => {
    expect(variables(secret(['awsAccessKeyID', 'awsSecretAccessKey']))).toEqual([
      ref('AWS_ACCESS_KEY_ID', 'awsAccessKeyID'),
      ref('AWS_SECRET_ACCESS_KEY', 'awsSecretAccessKey'),
    ])
    const settings = {
      ...DEFAULT_CREDENTIALS,
      accessKeyIdName: 'id',
      secretAccessKeyName: 'pw',
      s3: { s3Region: 'r' },
    }
    expect(variables(secret(['id', 'pw']), settings)).toEqual([
      ref('AWS_ACCESS_KEY_ID', 'id'),
      ref('AWS_SECRET_ACCESS_KEY', 'pw'),
      { name: 'AWS_DEFAULT_REGION', value: 'r' },
    ])
  })

  it('of an IAM role are none, but there may be a region; a secret says more than the account', () => {
    const accountAnnotations = {
      'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/models',
      'serving.kserve.io/s3-region': 'eu-1',
    }
    expect(credentialsFor({ accountAnnotations, secrets: [] }).env).toEqual([
      { name: 'AWS_DEFAULT_REGION', value: 'eu-1' },
    ])
    const own = secret(awsKeys, { annotations: { 'serving.kserve.io/s3-region': 'eu-2' } })
    expect(credentialsFor({ accountAnnotations, secrets: [own] }).env).toContainEqual({
      name: 'AWS_DEFAULT_REGION',
      value: 'eu-2',
    })
  })
})

describe('the credentials of other secrets', () => {
  it.each<{ what: string; keys: readonly string[]; env: readonly object[] }>([
    { what: 'Hugging Face', keys: ['HF_TOKEN'], env: [ref('HF_TOKEN')] },
    { what: 'ModelScope', keys: ['MODELSCOPE_API_TOKEN'], env: [ref('MODELSCOPE_API_TOKEN')] },
    {
      what: 'Azure, by a service principal',
      keys: ['AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET', 'AZURE_TENANT_ID', 'AZURE_SUBSCRIPTION_ID'],
      env: ['AZURE_SUBSCRIPTION_ID', 'AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET'].map((key) =>
        ref(key),
      ),
    },
    {
      what: 'Azure, by its older names',
      keys: ['AZ_CLIENT_ID', 'AZ_CLIENT_SECRET', 'AZ_TENANT_ID'],
      env: [
        ref('AZURE_TENANT_ID', 'AZ_TENANT_ID'),
        ref('AZURE_CLIENT_ID', 'AZ_CLIENT_ID'),
        ref('AZURE_CLIENT_SECRET', 'AZ_CLIENT_SECRET'),
      ],
    },
    {
      what: 'Azure, by an access key',
      keys: ['AZURE_STORAGE_ACCESS_KEY'],
      env: [ref('AZURE_STORAGE_ACCESS_KEY')],
    },
    { what: 'nothing that is known', keys: ['password'], env: [] },
  ])('for $what', ({ keys, env }) => {
    expect(variables(secret(keys))).toEqual(env)
  })

  it('for a web server are its headers, in a variable with the host’s name', () => {
    const web = secret(['https-host', 'headers'], { settings: { 'https-host': 'models.example' } })
    expect(variables(web)).toEqual([ref('models.example-headers', 'headers')])
    expect(variables(secret(['https-host', 'headers']))).toEqual([])
  })

  it('for HDFS are mounted', () => {
    expect(credentialsFor({ accountAnnotations: {}, secrets: [secret(['HDFS_NAMENODE'])] })).toEqual({
      env: [],
      volumes: [{ name: 'hdfs-secrets', secret: { secretName: 'creds' } }],
      volumeMounts: [{ name: 'hdfs-secrets', mountPath: '/var/secrets/kserve-hdfscreds', readOnly: true }],
    })
  })
})

describe('the secrets to read', () => {
  const account = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'models', namespace: 'ml' },
    secrets: [{ name: 's3' }, { name: 'hub' }],
  }

  it('are those of the account', () => {
    expect(secretNamesOf({ annotations: {} }, account)).toEqual({
      credentials: ['s3', 'hub'],
      config: 'storage-config',
    })
    expect(secretNamesOf({ annotations: {} }, undefined).credentials).toEqual([])
  })

  it('are the one that the service names, alone', () => {
    const annotations = { 'serving.kserve.io/storageSecretName': 'mine' }
    expect(secretNamesOf({ annotations }, account)).toEqual({ credentials: ['mine'], config: 'mine' })
  })

  it('are found by the account of the pods', () => {
    expect(accountNameOf({ podSpec: {} })).toBe('default')
    expect(accountNameOf({ podSpec: { serviceAccountName: 'models' } })).toBe('models')
  })
})

describe('what is kept of a Secret', () => {
  it('is its keys, and no value that grants anything', () => {
    const data = {
      AWS_SECRET_ACCESS_KEY: Buffer.from('hush').toString('base64'),
      S3_ENDPOINT: Buffer.from('minio:9000').toString('base64'),
    }
    const metadata = { name: 's', namespace: 'ml', annotations: { a: 'b' } }
    const kept = secretMetadataOf({ apiVersion: 'v1', kind: 'Secret', metadata, data })
    expect(kept).toEqual({
      name: 's',
      annotations: { a: 'b' },
      keys: ['AWS_SECRET_ACCESS_KEY', 'S3_ENDPOINT'],
      settings: { S3_ENDPOINT: 'minio:9000' },
    })
  })
})
