import { describe, expect, it } from 'vitest'
import { storageConfigOf } from './secret-metadata.ts'

const secret = (data: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'storage-config', namespace: 'ml' },
  data: Object.fromEntries(
    Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  ),
})

describe('the secret behind storage.key', () => {
  it('is kept as its entries, each with its type and bucket', () => {
    const entry = {
      type: 's3',
      bucket: 'b',
      access_key_id: 'id',
      secret_access_key: 'hush',
      cabundle_configmap: 'ca',
    }
    const config = storageConfigOf('storage-config', secret({ minio: JSON.stringify(entry), bare: '{}' }))
    expect(config).toEqual({
      secretName: 'storage-config',
      entries: { minio: { type: 's3', bucket: 'b', caBundleConfigMap: 'ca' }, bare: {} },
    })
  })

  it('has no entries where it is not there', () => {
    expect(storageConfigOf('storage-config', undefined)).toEqual({
      secretName: 'storage-config',
      entries: {},
    })
  })

  it.each(['not json hush', '["hush"]'])('keeps of %s as an entry that it cannot be used', (text) => {
    const { entries } = storageConfigOf('storage-config', secret({ minio: text, other: '{"type":"s3"}' }))
    expect(entries).toEqual({
      minio: {
        problem: 'secret storage-config: entry minio has to be a JSON object, such as {"type": "s3", ...}',
      },
      other: { type: 's3' },
    })
  })
})
