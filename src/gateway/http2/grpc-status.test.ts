import { describe, expect, it } from 'vitest'
import { Refusal, refusals, type RefusalCode } from '../../core/refusals.ts'
import { GRPC_STATUS, grpcRefusalFields, percentEncoded } from './grpc-status.ts'

describe('refusals as gRPC status', () => {
  it('has a status for each code of the catalogue', () => {
    expect(Object.keys(GRPC_STATUS).sort()).toEqual(Object.keys(refusals).sort())
  })

  it.each<[RefusalCode, number]>([
    ['NO_ROUTE', 12],
    ['BAD_REQUEST', 13],
    ['HEAD_TOO_LARGE', 8],
    ['QUEUE_FULL', 14],
    ['ACTIVATION_TIMEOUT', 4],
    ['UPSTREAM_RESET', 14],
    ['CLIENT_GONE', 1],
  ])('%s is %i', (code, status) => {
    expect(grpcRefusalFields(new Refusal(code))).toContain(String(status))
  })

  it('says when to try again in the words of gRPC and of HTTP', () => {
    const fields = grpcRefusalFields(new Refusal('QUEUE_FULL', { retryAfterSeconds: 1.2 }))
    expect(fields.slice(-4)).toEqual(['grpc-retry-pushback-ms', '2000', 'retry-after', '2'])
  })

  it.each([
    ['plain text: 1', 'plain text: 1'],
    ['100 %', '100 %25'],
    ['é\n', '%C3%A9%0A'],
    ['', ''],
  ])('writes the message %j as %j', (message, encoded) => {
    expect(percentEncoded(message)).toBe(encoded)
    expect(decodeURIComponent(encoded)).toBe(message)
  })
})
