import { describe, expect, it } from 'vitest'
import { Worker } from 'node:worker_threads'
import type { SplitTarget } from '../src/core/route.ts'
import { SharedCursor } from './shared-cursor.ts'
import { Split } from './split.ts'

function memory(count: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * count))
}

const targets: SplitTarget[] = [
  { revision: 'ml/r-00003', percent: 7 },
  { revision: 'ml/r-00002', percent: 33 },
  { revision: 'ml/r-00001', percent: 60 },
]

describe('SharedCursor', () => {
  it('gives the places 0 to 99 in turn and round again', () => {
    const cursor = new SharedCursor(memory(1), 0)
    expect(Array.from({ length: 250 }, () => cursor.next())).toEqual(
      Array.from({ length: 250 }, (_, nth) => nth % 100),
    )
  })

  it('is one cursor wherever it is made on the same element, and another on the next', () => {
    const counts = memory(2)
    const [one, same, other] = [
      new SharedCursor(counts, 0),
      new SharedCursor(counts, 0),
      new SharedCursor(counts, 1),
    ]
    expect([one.next(), same.next(), one.next(), other.next(), same.next()]).toEqual([0, 1, 2, 0, 3])
  })

  it('goes on without a gap where its count is taken back, long before it would overflow', () => {
    const counts = memory(1)
    counts[0] = 999_999_950
    const cursor = new SharedCursor(counts, 0)
    expect(Array.from({ length: 200 }, () => cursor.next())).toEqual(
      Array.from({ length: 200 }, (_, nth) => (50 + nth) % 100),
    )
    expect(counts[0]).toBe(150)
  })

  it.each([-1, 2, 0.5])('refuses index %d of two', (index) => {
    expect(() => new SharedCursor(memory(2), index)).toThrow(
      `index of a shared cursor: got ${index}; allowed: 0 to 1`,
    )
  })

  it('makes two splits that take turns pick as one would', () => {
    const counts = memory(1)
    const threads = [
      new Split(targets, new SharedCursor(counts, 0)),
      new Split(targets, new SharedCursor(counts, 0)),
    ]
    const alone = new Split(targets)
    for (let nth = 0; nth < 200; nth++) expect(threads[nth % 2]!.pick()).toBe(alone.pick())
  })

  it('divides what four threads pick at the same time exactly', async () => {
    const counts = memory(3)
    // The take-back happens in the middle of it.
    counts[1] = 999_980_000
    const start = memory(1)
    const url = new URL('../test/fixtures/cursor-thread.ts', import.meta.url)
    const threads = Array.from(
      { length: 4 },
      () => new Worker(url, { workerData: { counts, start, index: 1, targets, picks: 10_000 } }),
    )
    try {
      await Promise.all(threads.map((thread) => message(thread)))
      const results = threads.map((thread) => message(thread))
      Atomics.store(start, 0, 1)
      Atomics.notify(start, 0)
      const picked: Record<string, number> = {}
      for (const result of await Promise.all(results)) {
        for (const [revision, count] of Object.entries(Object(result))) {
          picked[revision] = (picked[revision] ?? 0) + Number(count)
        }
      }
      expect(picked).toEqual({ 'ml/r-00003': 2_800, 'ml/r-00002': 13_200, 'ml/r-00001': 24_000 })
      expect([...counts]).toEqual([0, 20_000, 0])
    } finally {
      await Promise.all(threads.map((thread) => thread.terminate()))
    }
  })
})

function message(thread: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    thread.once('message', resolve)
    thread.once('error', reject)
  })
}
