import { describe, expect, it } from 'vitest'
import type { Sample } from './messages.ts'
import { Outcomes } from './outcomes.ts'
import { judge } from './verdict.ts'

const atRest: Sample = {
  atMs: 0,
  rssBytes: 100e6,
  heapBytes: 20e6,
  externalBytes: 5e6,
  handles: { TCPServerWrap: 1, Timeout: 1 },
  connections: 0,
  underWay: 0,
  revisions: { 'ml/a': { waiting: 0, inFlight: 0 } },
  finished: {},
}

/** A minute in which nothing adds up, but for what is said. */
async function minute(
  change: {
    sample?: (at: number) => Partial<Sample>
    last?: Partial<Sample>
    run?: () => Promise<'answered'>
  } = {},
) {
  const outcomes = new Outcomes()
  for (let sent = 0; sent < 5; sent++)
    await outcomes.of('small', () => 1_000, change.run ?? (() => Promise.resolve('answered')))
  const samples = Array.from({ length: 12 }, (_, at) => ({
    ...atRest,
    atMs: at * 5_000,
    ...change.sample?.(at),
  }))
  const last = { ...atRest, finished: { 200: 5 }, ...change.last }
  return { atRest, samples, last, outcomes, kills: [] }
}

describe('the verdict of a soak', () => {
  it('finds nothing where nothing adds up', async () => {
    expect(judge(await minute()).faults).toEqual([])
  })

  it.each([
    [
      'a growing heap',
      { sample: (at: number) => ({ heapBytes: 20e6 + at * 2e6 }) },
      /memory is not flat: heap/,
    ],
    [
      'growing memory',
      { sample: (at: number) => ({ rssBytes: 100e6 + at * 10e6 }) },
      /memory is not flat: rss/,
    ],
    [
      'a socket that is left',
      { last: { handles: { TCPServerWrap: 1, TCPSocketWrap: 1 } } },
      /sockets are left: 2/,
    ],
    ['timers that are left', { last: { handles: { TCPServerWrap: 1, Timeout: 9 } } }, /timers are left: 9/],
    ['a connection that is counted', { last: { connections: 1 } }, /1 connections of clients are counted/],
    ['a request under way', { last: { underWay: 1 } }, /at the end 1 requests wait or run/],
    [
      'a permit held',
      { last: { revisions: { 'ml/a': { waiting: 0, inFlight: 1 } } } },
      /ml\/a has 0 waiting, 1 in flight/,
    ],
    ['a request counted twice', { last: { finished: { 200: 5, 499: 1 } } }, /counted 6 requests, 5 to 5/],
    ['a request not counted', { last: { finished: { 200: 4 } } }, /counted 4 requests, 5 to 5/],
    [
      'a request that fails',
      { run: () => Promise.reject(new Error('status 502')) },
      /failed \(small\): status 502/,
    ],
  ])('names %s', async (_what, change, fault) => {
    expect(judge(await minute(change)).faults.join('\n')).toMatch(fault)
  })

  it('excuses requests that ran while a replica was killed, up to a share', async () => {
    const seen = await minute({ run: () => Promise.reject(new Error('reset')) })
    expect(judge({ ...seen, kills: [{ atMs: 1_000, toldMs: 1_200 }] }).faults).toEqual([
      expect.stringContaining('5 of 5 requests were lost'),
    ])
    expect(judge({ ...seen, kills: [{ atMs: 5_000, toldMs: 5_200 }] }).faults).toContain(
      'a request failed (small): reset',
    )
  })
})
