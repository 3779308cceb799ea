import { describe, expect, it } from 'vitest'
import { storageOf } from './model-storage.ts'

const mountPath = '/mnt/models'

describe('storageOf', () => {
  it('keeps in a pod which entry of the secret is meant, and what overrides it', () => {
    const storage = { key: 'minio', path: 'iris', parameters: { bucket: 'b' } }
    expect(storageOf({ model: { storage } }, false)).toEqual([
      { uri: 's3://b/iris', mountPath, key: 'minio', parameters: { bucket: 'b' } },
    ])
    expect(storageOf({ model: { storage } }, true)).toEqual([{ uri: 's3://b/iris', mountPath }])
  })

  it('leaves the kind of storage and the bucket to the secret where the manifest has none', () => {
    expect(storageOf({ model: { storage: { path: 'iris' } } }, false)).toEqual([
      { uri: '<scheme-placeholder>://iris', mountPath, key: '' },
    ])
    expect(storageOf({ model: { storage: { path: 'iris' } } }, true)).toEqual([])
  })

  it('keeps which storage container is to fetch it, where there are such', () => {
    const component = { model: { storageUri: 'gs://a' }, storageContainerName: 'hub' }
    expect(storageOf(component, false)).toEqual([{ uri: 'gs://a', mountPath, container: 'hub' }])
    expect(storageOf(component, true)).toEqual([{ uri: 'gs://a', mountPath }])
  })

  it('takes several models, each with its place', () => {
    const storageUris = [{ uri: 'gs://a', mountPath: '/mnt/models/a' }, { uri: 'gs://b' }]
    expect(storageOf({ storageUris }, true)).toEqual([
      { uri: 'gs://a', mountPath: '/mnt/models/a' },
      { uri: 'gs://b', mountPath },
    ])
  })
})
