import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import type { Outcome, Work } from '../../test/fixtures/shared-slots-thread.ts'
import type { ActivatorTables } from '../activator.ts'
import { IRIS, ready } from './fake-threads.ts'
import { SharedOwner } from './index.ts'

const THREADS = 4
const LIMIT = 2

/** Real threads on one memory, started and stopped by the test. */
class Crowd implements AsyncDisposable {
  readonly owner = new SharedOwner({ workers: THREADS, revisions: 4, replicas: 8, waitersPerThread: 256 })
  readonly running = new Int32Array(new SharedArrayBuffer(64))
  readonly served = new Int32Array(new SharedArrayBuffer(64))
  readonly #tables: ActivatorTables = {
    revisions: [{ name: IRIS, containerConcurrency: LIMIT }],
    replicas: [ready('x', 9_000), ready('y', 9_001)],
  }
  readonly #indexes = this.owner.assign(this.#tables)
  readonly #workers: Worker[] = []

  async start(
    options: Pick<Work, 'clients' | 'requests' | 'hoards'>,
  ): Promise<{ worker: Worker; thread: number }> {
    const thread = this.owner.openThread()
    const work: Work = {
      handle: this.owner.handle,
      thread,
      indexes: this.#indexes,
      tables: this.#tables,
      revision: IRIS,
      limit: LIMIT,
      running: this.running,
      served: this.served,
      ...options,
    }
    const worker = new Worker(new URL('../../test/fixtures/shared-slots-thread.ts', import.meta.url), {
      workerData: work,
    })
    this.#workers.push(worker)
    await once(worker, 'message')
    return { worker, thread }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }
}

async function outcomeOf(worker: Worker): Promise<Outcome> {
  const [outcome]: Outcome[] = await once(worker, 'message')
  if (outcome === undefined) throw new Error('the thread said nothing')
  return outcome
}

describe('threads that share slots', () => {
  it('never cross a limit, serve every request and let no thread starve', async () => {
    await using crowd = new Crowd()
    const requests = 20_000
    const started = await Promise.all(
      Array.from({ length: THREADS }, () => crowd.start({ clients: 16, requests, hoards: false })),
    )
    const outcomes = started.map(({ worker }) => outcomeOf(worker))
    for (const { worker } of started) worker.postMessage('go')
    const first = await Promise.race(outcomes)
    const all = await Promise.all(outcomes)
    expect(all.map(({ crossings }) => crossings)).toEqual([0, 0, 0, 0])
    expect([...crowd.served.subarray(1, 1 + THREADS)]).toEqual(
      Array.from({ length: THREADS }, () => requests),
    )
    // All have as many clients and whoever waited longest goes first: they keep pace.
    expect(Math.min(...first.served.slice(1, 1 + THREADS))).toBeGreaterThan(requests / 2)
    expect(crowd.owner.underWay).toBe(0)
  }, 20_000)

  it('get back what a thread held that died', async () => {
    await using crowd = new Crowd()
    const hoarder = await crowd.start({ clients: 8, requests: 8, hoards: true })
    const other = await crowd.start({ clients: 4, requests: 100, hoards: false })
    const holding = once(hoarder.worker, 'message')
    hoarder.worker.postMessage('go')
    await holding
    const outcome = outcomeOf(other.worker)
    other.worker.postMessage('go')
    await hoarder.worker.terminate()
    crowd.running.fill(0)
    crowd.owner.closeThread(hoarder.thread)
    await outcome
    expect(crowd.served[other.thread]).toBe(100)
    expect(crowd.owner.underWay).toBe(0)
  }, 20_000)
})
