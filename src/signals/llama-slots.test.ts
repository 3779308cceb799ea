import { describe, expect, it } from 'vitest'
import { slotSignals } from './llama-slots.ts'

describe('the slots of llama-server', () => {
  it('are counted, in the format of newer and of older builds', () => {
    const newer = [
      { id: 0, n_ctx: 4096, is_processing: true, next_token: { n_decoded: 17 } },
      { id: 1, n_ctx: 4096, is_processing: false },
    ]
    const from = 'llama-server /slots'
    expect(slotSignals(JSON.stringify(newer), 5)).toEqual({
      running: { value: 1, atMs: 5, from },
      runningMax: { value: 2, atMs: 5, from },
    })
    const older = [{ state: 1 }, { state: 0 }, { state: 1 }]
    expect(slotSignals(JSON.stringify(older), 5)).toMatchObject({
      running: { value: 2 },
      runningMax: { value: 3 },
    })
  })

  it.each([
    ['', '/slots is no JSON'],
    [
      '{"error":{"code":501,"message":"This server does not support slots endpoint."}}',
      '/slots is no list of up to 10000 slots',
    ],
    ['[1,2]', '/slots holds something that is no slot'],
  ])('that are none are absent: %s', (body, detail) => {
    const none = { absent: 'not exported', detail }
    expect(slotSignals(body, 5)).toEqual({ running: none, runningMax: none })
  })
})
