import { describe, expect, it } from 'vitest'
import { containerIn, deploymentFrom, podOf, storage } from '../../../../test/support/kube-objects.ts'
import { credentialsFor } from './credentials.ts'
import { DEFAULT_INITIALIZER, StorageError, storageContainerOf, type StorageSettings } from './settings.ts'

const model = (fields: string, { annotations = '{}', predictor = '' } = {}) => `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris, namespace: ml, annotations: ${annotations}}
spec:
  predictor:
    ${predictor}
    model: {modelFormat: {name: sklearn}, ${fields}}
`
const custom = (storageUris: string) => `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris, namespace: ml}
spec:
  predictor: {model: {modelFormat: {name: sklearn}}, storageUris: ${storageUris}}
`
const initializer = (manifest: string, settings: StorageSettings = storage, name = 'storage-initializer') =>
  containerIn(deploymentFrom(manifest, { storage: settings }), name)

describe('a model that is fetched', () => {
  it('is fetched by the init container that KServe has, into a volume shared with the server', () => {
    const deployment = deploymentFrom(model('storageUri: "gs://models/iris"'))
    expect(containerIn(deployment, 'storage-initializer')).toEqual({
      name: 'storage-initializer',
      image: 'kserve/storage-initializer:v0.20.0',
      args: ['gs://models/iris', '/mnt/models'],
      resources: {
        requests: { cpu: '100m', memory: '100Mi' },
        limits: { cpu: '1', memory: '1Gi' },
      },
      terminationMessagePolicy: 'FallbackToLogsOnError',
      volumeMounts: [{ name: 'kserve-provision-location', mountPath: '/mnt/models' }],
    })
    expect(podOf(deployment)).toMatchObject({
      volumes: [{ name: 'kserve-provision-location', emptyDir: {} }],
    })
  })

  it('can be written to where the annotation says so', () => {
    const deployment = deploymentFrom(
      model('storageUri: "gs://a/b"', { annotations: '{storage.kserve.io/readonly: "false"}' }),
    )
    expect(containerIn(deployment)).toMatchObject({
      volumeMounts: [{ name: 'kserve-provision-location', readOnly: false }],
    })
  })

  it('from Hugging Face is fetched fast', () => {
    expect(initializer(model('storageUri: "hf://org/model"'))).toMatchObject({
      env: expect.arrayContaining([{ name: 'HF_HUB_ENABLE_HF_TRANSFER', value: '1' }]),
    })
  })

  it('is shown the credentials of its account, by reference', () => {
    const credentials = credentialsFor({
      accountAnnotations: {},
      secrets: [
        {
          name: 's3',
          annotations: { 'serving.kserve.io/s3-region': 'eu-1' },
          keys: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
          settings: {},
        },
        { name: 'gcs', annotations: {}, keys: ['gcloud-application-credentials.json'], settings: {} },
      ],
    })
    const deployment = deploymentFrom(model('storageUri: "s3://a/b"'), {
      storage: { ...storage, credentials },
    })
    expect(containerIn(deployment, 'storage-initializer')).toMatchObject({
      env: [
        { name: 'AWS_ACCESS_KEY_ID', valueFrom: { secretKeyRef: { name: 's3', key: 'AWS_ACCESS_KEY_ID' } } },
        {
          name: 'AWS_SECRET_ACCESS_KEY',
          valueFrom: { secretKeyRef: { name: 's3', key: 'AWS_SECRET_ACCESS_KEY' } },
        },
        { name: 'AWS_DEFAULT_REGION', value: 'eu-1' },
        {
          name: 'GOOGLE_APPLICATION_CREDENTIALS',
          value: '/var/secrets/gcloud-application-credentials.json',
        },
      ],
      volumeMounts: [
        { name: 'kserve-provision-location' },
        { name: 'user-gcp-sa', mountPath: '/var/secrets/', readOnly: true },
      ],
    })
    expect(podOf(deployment)).toMatchObject({
      volumes: [
        { name: 'kserve-provision-location' },
        { name: 'user-gcp-sa', secret: { secretName: 'gcs' } },
      ],
    })
    // The server itself does not get them.
    expect(JSON.stringify(containerIn(deployment))).not.toContain('AWS')
  })

  it('trusts the CAs of the cluster', () => {
    const caBundle = { configMapName: 'corporate-ca', mountPath: '/etc/ssl/custom-certs' }
    const settings = { ...storage, initializer: { ...DEFAULT_INITIALIZER, caBundle } }
    const deployment = deploymentFrom(model('storageUri: "s3://a/b"'), { storage: settings })
    expect(containerIn(deployment, 'storage-initializer')).toMatchObject({
      env: [
        { name: 'CA_BUNDLE_CONFIGMAP_NAME', value: 'corporate-ca' },
        { name: 'CA_BUNDLE_VOLUME_MOUNT_POINT', value: '/etc/ssl/custom-certs' },
      ],
      volumeMounts: [
        { name: 'kserve-provision-location' },
        { name: 'cabundle-cert', mountPath: '/etc/ssl/custom-certs', readOnly: true },
      ],
    })
    expect(podOf(deployment)).toMatchObject({
      volumes: [
        { name: 'kserve-provision-location' },
        { name: 'cabundle-cert', configMap: { name: 'corporate-ca' } },
      ],
    })
  })
})

describe('a model that is mounted', () => {
  it('from a claim is mounted directly, its folder as the sub path', () => {
    const deployment = deploymentFrom(model('storageUri: "pvc://claim/iris/v1/"'))
    expect(podOf(deployment)).not.toHaveProperty('initContainers')
    expect(podOf(deployment)).toMatchObject({
      volumes: [{ name: 'kserve-pvc-source', persistentVolumeClaim: { claimName: 'claim' } }],
    })
    expect(containerIn(deployment)).toMatchObject({
      volumeMounts: [
        { name: 'kserve-pvc-source', mountPath: '/mnt/models', subPath: 'iris/v1', readOnly: true },
      ],
    })
  })

  it('from the root of a claim has no sub path, and can be written to where the annotation says so', () => {
    const annotations = '{storage.kserve.io/readonly: "false"}'
    const deployment = deploymentFrom(model('storageUri: "pvc://claim"', { annotations }))
    expect(containerIn(deployment)['volumeMounts']).toEqual([
      { name: 'kserve-pvc-source', mountPath: '/mnt/models', readOnly: false },
    ])
  })

  it.each(['oci://registry/iris:1', 'oci+native://registry/iris:1'])(
    'from %s is a volume of its image',
    (uri) => {
      const deployment = deploymentFrom(model(`storageUri: "${uri}"`))
      expect(podOf(deployment)).not.toHaveProperty('initContainers')
      expect(podOf(deployment)).toMatchObject({
        volumes: [
          { name: 'kserve-oci-source', image: { reference: 'registry/iris:1', pullPolicy: 'IfNotPresent' } },
        ],
      })
      expect(containerIn(deployment)).toMatchObject({
        volumeMounts: [{ mountPath: '/mnt/models', subPath: 'models', readOnly: true }],
      })
    },
  )

  it('from an image that is to be fetched is fetched, with the pull secret of the pod', () => {
    const deployment = deploymentFrom(
      model('storageUri: "oci+fetch://registry/iris:1"', { predictor: 'imagePullSecrets: [{name: pull}]' }),
    )
    expect(containerIn(deployment, 'storage-initializer')).toMatchObject({
      args: ['oci://registry/iris:1', '/mnt/models'],
      env: [{ name: 'KSERVE_OCI_DOCKER_CONFIG', value: '/mnt/oci-fetch-auth/config.json' }],
    })
    expect(podOf(deployment)).toMatchObject({
      volumes: [
        { name: 'kserve-provision-location' },
        {
          name: 'oci-fetch-docker-config',
          secret: {
            secretName: 'pull',
            defaultMode: 256,
            items: [{ key: '.dockerconfigjson', path: 'config.json' }],
          },
        },
      ],
    })
  })

  it('is refused if it names no claim', () => {
    expect(() => deploymentFrom(model('storageUri: "pvc://"'))).toThrow(
      'storageUri pvc://: allowed is pvc://claim or pvc://claim/folder',
    )
  })
})

describe('several models', () => {
  it('are fetched together into the folder that they share', () => {
    const deployment = deploymentFrom(
      custom(
        '[{uri: "s3://a/base", mountPath: /mnt/models/base}, {uri: "s3://a/lora", mountPath: /mnt/models/lora}]',
      ),
    )
    expect(containerIn(deployment, 'storage-initializer')).toMatchObject({
      args: ['s3://a/base', '/mnt/models/base', 's3://a/lora', '/mnt/models/lora'],
      volumeMounts: [{ name: 'kserve-provision-location', mountPath: '/mnt/models' }],
    })
    expect(containerIn(deployment)).toMatchObject({
      volumeMounts: [{ name: 'kserve-provision-location', mountPath: '/mnt/models', readOnly: true }],
    })
  })

  it('can be mounted inside what is fetched', () => {
    const deployment = deploymentFrom(
      custom(`[{uri: "s3://a/x", mountPath: /mnt/models/x}, {uri: "s3://a/y", mountPath: /mnt/models/y},
        {uri: "pvc://one", mountPath: /mnt/models/one}, {uri: "pvc://two", mountPath: /mnt/models/two}]`),
    )
    expect(containerIn(deployment)).toMatchObject({
      volumeMounts: [
        { name: 'kserve-provision-location', mountPath: '/mnt/models', readOnly: false },
        { name: 'kserve-pvc-source', mountPath: '/mnt/models/one', readOnly: true },
        { name: 'kserve-pvc-source-2', mountPath: '/mnt/models/two', readOnly: true },
      ],
    })
  })
})

describe('ClusterStorageContainers', () => {
  const storageContainer = (name: string, spec: object, more: object = {}) =>
    storageContainerOf({
      apiVersion: 'serving.kserve.io/v1alpha1',
      kind: 'ClusterStorageContainer',
      metadata: { name },
      spec,
      ...more,
    })
  const hub = storageContainer('hub', {
    container: {
      name: 'whatever',
      image: 'hub-downloader:1',
      env: [{ name: 'HUB', value: 'x' }],
      resources: { limits: { memory: '8Gi' } },
    },
    supportedUriFormats: [{ regex: 'https://hub.example/(.+)' }],
    supportsMultiModelDownload: false,
  })
  const defaults = storageContainer('default', {
    container: { name: 'storage-initializer', image: 'initializer:2' },
    supportedUriFormats: [{ prefix: 's3://' }, { prefix: 'gs://' }],
    workloadType: 'initContainer',
  })
  const containers = [hub, defaults].filter((one) => one !== undefined)
  const settings = { ...storage, containers }

  it('say how a URI is fetched: its image and resources over ours, under the name that KServe looks for', () => {
    expect(initializer(model('storageUri: "gs://a/b"'), settings)).toMatchObject({
      image: 'initializer:2',
      resources: { limits: { cpu: '1', memory: '1Gi' } },
    })
    expect(initializer(model('storageUri: "https://hub.example/iris"'), settings)).toMatchObject({
      name: 'storage-initializer',
      image: 'hub-downloader:1',
      args: ['https://hub.example/iris', '/mnt/models'],
      env: [{ name: 'HUB', value: 'x' }],
      resources: { requests: { cpu: '100m', memory: '100Mi' }, limits: { cpu: '1', memory: '8Gi' } },
    })
  })

  it('fetch one model each where they can do no more', () => {
    const manifest =
      custom(`[{uri: "s3://a/b", mountPath: /mnt/models/a}, {uri: "https://hub.example/x", mountPath: /mnt/models/x},
      {uri: "https://hub.example/y", mountPath: /mnt/models/y}, {uri: "gs://c/d", mountPath: /mnt/models/c}]`)
    const names = ['storage-initializer', 'storage-initializer-2', 'storage-initializer-3']
    expect(names.map((name) => initializer(manifest, settings, name)['args'])).toEqual([
      ['s3://a/b', '/mnt/models/a', 'gs://c/d', '/mnt/models/c'],
      ['https://hub.example/x', '/mnt/models/x'],
      ['https://hub.example/y', '/mnt/models/y'],
    ])
  })

  it('can be named', () => {
    const manifest = (name: string) =>
      model('storageUri: "https://hub.example/iris"', { predictor: `storageContainerName: ${name}` })
    expect(initializer(manifest('hub'), settings)['image']).toBe('hub-downloader:1')
    expect(() => initializer(manifest('absent'), settings)).toThrow(
      'storageContainerName: there is no ClusterStorageContainer absent for init containers; there are hub, default',
    )
    expect(() => initializer(manifest('default'), settings)).toThrow(
      'storageContainerName: ClusterStorageContainer default does not support https://hub.example/iris',
    )
  })

  it('that are disabled, or for something else, are passed over; a pattern that cannot be read is named', () => {
    expect(storageContainer('off', {}, { disabled: true })).toBeUndefined()
    expect(storageContainer('job', { workloadType: 'localModelDownloadJob' })).toBeUndefined()
    const bad = () => storageContainer('bad', { supportedUriFormats: [{ regex: '(' }] })
    expect(bad).toThrow(StorageError)
    expect(bad).toThrow("ClusterStorageContainer bad: spec.supportedUriFormats: regex '(' cannot be read")
  })
})

describe('storage.key', () => {
  const entries = {
    minio: { type: 's3', bucket: 'models' },
    default: { type: 's3', bucket: 'usual' },
    hadoop: { type: 'hdfs' },
    broken: { problem: 'entry broken has to be a JSON object' },
  }
  const settings: StorageSettings = { ...storage, config: { secretName: 'storage-config', entries } }

  it('takes the bucket from the secret, and the downloader the entry by reference', () => {
    expect(initializer(model('storage: {key: minio, path: iris/v1}'), settings)).toMatchObject({
      args: ['s3://models/iris/v1', '/mnt/models'],
      env: [
        { name: 'STORAGE_CONFIG', valueFrom: { secretKeyRef: { name: 'storage-config', key: 'minio' } } },
      ],
    })
  })

  it('lets the manifest override the entry', () => {
    const manifest = model('storage: {key: minio, path: iris, parameters: {bucket: mine, region: eu}}')
    expect(initializer(manifest, settings)).toMatchObject({
      args: ['s3://mine/iris', '/mnt/models'],
      env: [
        { name: 'STORAGE_CONFIG' },
        { name: 'STORAGE_OVERRIDE_CONFIG', value: '{"bucket":"mine","region":"eu"}' },
      ],
    })
  })

  it('without a key is the default entry, and a type without buckets has none', () => {
    expect(initializer(model('storage: {path: iris}'), settings)['args']).toEqual([
      's3://usual/iris',
      '/mnt/models',
    ])
    expect(initializer(model('storage: {key: hadoop, path: iris}'), settings)['args']).toEqual([
      'hdfs://iris',
      '/mnt/models',
    ])
  })

  it('refers to a secret that cannot be seen yet: the pod says what it waits for', () => {
    const manifest = model('storage: {key: later, path: iris, parameters: {bucket: b}}')
    expect(initializer(manifest)).toMatchObject({
      args: ['s3://b/iris', '/mnt/models'],
      env: [{ name: 'STORAGE_CONFIG' }, { name: 'STORAGE_OVERRIDE_CONFIG' }],
    })
  })

  it.each([
    [
      '{key: absent, path: x}',
      'storage.key: secret storage-config has no entry absent; it has broken, default, hadoop, minio',
    ],
    [
      '{key: minio, path: x, parameters: {type: ftp}}',
      'storage: type ftp is not supported; allowed are s3, hdfs, webhdfs',
    ],
  ])('refuses %s', (spec, message) => {
    expect(() => initializer(model(`storage: ${spec}`), settings)).toThrow(message)
  })

  it('refuses an entry that cannot be used, and only where it is used', () => {
    expect(() => initializer(model('storage: {key: broken, path: x}'), settings)).toThrow(
      'storage.key: entry broken has to be a JSON object',
    )
  })

  it('says what is missing where nothing tells the kind of storage, or the bucket', () => {
    expect(() => initializer(model('storage: {path: x}'))).toThrow('what kind of storage is meant?')
    expect(() => initializer(model('storage: {path: x, parameters: {type: s3}}'))).toThrow(
      's3 needs a bucket: set storage.parameters.bucket, or "bucket" in entry default_s3 of secret storage-config',
    )
  })
})
