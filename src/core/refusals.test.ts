import { describe, expect, it } from 'vitest'
import { Refusal, refusals } from './refusals.ts'

describe('Refusal', () => {
  it('has the status and the text of its code, and the detail after it', () => {
    const cause = new Error('ECONNREFUSED')
    const refusal = new Refusal('UPSTREAM_UNREACHABLE', { detail: 'ml/iris-00001-a', cause })
    expect(refusal).toMatchObject({
      name: 'Refusal',
      code: 'UPSTREAM_UNREACHABLE',
      status: 502,
      message: 'the replica refused the connection: ml/iris-00001-a',
      retryAfterSeconds: undefined,
      cause,
    })
    expect(new Refusal('NO_ROUTE').message).toBe(refusals.NO_ROUTE.text)
    expect(new Refusal('QUEUE_FULL', { retryAfterSeconds: 3 }).retryAfterSeconds).toBe(3)
  })

  it('has an error status and a sentence for every code', () => {
    for (const [code, { status, text }] of Object.entries(refusals)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(600)
      expect(text).toMatch(/^[a-z].*[^.]$/)
    }
  })
})
