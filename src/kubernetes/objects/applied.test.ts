import { describe, expect, it } from 'vitest'
import { appliedHash, withHash } from './applied.ts'

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'iris', namespace: 'ml', labels: { a: '1', b: '2' } },
  spec: { ports: [{ port: 80, name: 'http' }], type: 'ExternalName' },
}

describe('the hash of what was applied', () => {
  it('is that of the content, whatever the order of the keys', () => {
    const other = {
      kind: 'Service',
      spec: { type: 'ExternalName', ports: [{ name: 'http', port: 80 }] },
      metadata: { labels: { b: '2', a: '1' }, namespace: 'ml', name: 'iris' },
      apiVersion: 'v1',
    }
    expect(appliedHash(other)).toBe(appliedHash(service))
    expect(appliedHash(service)).toMatch(/^[0-9a-f]{32}$/)
  })

  it('changes with every value, and with the order of a list', () => {
    const changed = { ...service, spec: { ...service.spec, ports: [{ port: 81, name: 'http' }] } }
    const reordered = { ...service, list: [1, 2] }
    expect(appliedHash(changed)).not.toBe(appliedHash(service))
    expect(appliedHash({ ...service, list: [2, 1] })).not.toBe(appliedHash(reordered))
  })

  it('is not part of itself, and leaves other annotations alone', () => {
    const once = withHash(service)
    expect(withHash(once)).toEqual(once)
    expect(appliedHash(once)).toBe(appliedHash(service))
    const annotated = withHash({ ...service, metadata: { ...service.metadata, annotations: { x: 'y' } } })
    expect(annotated.metadata.annotations).toMatchObject({ x: 'y' })
    expect(appliedHash(annotated)).not.toBe(appliedHash(service))
  })
})
