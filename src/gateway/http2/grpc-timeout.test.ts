import { describe, expect, it } from 'vitest'
import { parseGrpcTimeout } from './grpc-timeout.ts'

describe('grpc-timeout', () => {
  it.each([
    ['2H', 7_200_000],
    ['3M', 180_000],
    ['10S', 10_000],
    ['250m', 250],
    ['250u', 0.25],
    ['1000000n', 1],
    ['99999999S', 99_999_999_000],
    ['0m', 0],
  ])('%s is %d ms', (value, ms) => {
    expect(parseGrpcTimeout(value)).toBeCloseTo(ms, 9)
  })

  it('is none where there is no field', () => {
    expect(parseGrpcTimeout(undefined)).toBeUndefined()
  })

  it.each(['', 'S', '10', '10s', '-1S', '1.5S', '123456789S', ' 1S', '1S ', '1SS'])(
    'refuses %j by name',
    (value) => {
      expect(() => parseGrpcTimeout(value)).toThrow(
        `grpc-timeout ${JSON.stringify(value)}: one to eight digits`,
      )
    },
  )
})
