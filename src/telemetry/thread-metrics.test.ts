import { describe, expect, it } from 'vitest'
import { PromMetrics, type MetricsSource } from './prom-metrics.ts'
import type { Dump } from './tally.ts'
import { ThreadMetrics } from './thread-metrics.ts'

const noReplicas = { scheduling: 0, pulling: 0, loading: 0, ready: 0, draining: 0, failed: 0 }

function sourceOf(...names: readonly `${string}/${string}`[]): MetricsSource {
  return {
    revisions: names.map((name) => ({ name, wanted: 1, waiting: 0, inFlight: 0, replicas: noReplicas })),
  }
}

const ONE = 'a/x-00001'
const TWO = 'a/x-00002'
const living = new Set([ONE, TWO])

function feed(metrics: ThreadMetrics, revision: `${string}/${string}`, requests: number): void {
  for (let nth = 0; nth < requests; nth++) {
    metrics.requestFinished({ route: 'a/x', revision, status: 200, durationMs: 250 })
  }
  metrics.queueLeft(revision, 'served', 40)
  metrics.connectionOpened('h2')
  metrics.connectionOpened('h2')
  metrics.connectionClosed('h2')
  metrics.replicaEjected(revision)
}

/** As it arrives from another thread. */
function dumpOf(metrics: ThreadMetrics): Dump {
  return structuredClone(metrics.dump(living))
}

async function linesOf(metrics: PromMetrics): Promise<readonly string[]> {
  return (await metrics.expose()).split('\n')
}

describe('metrics of several threads', () => {
  it('are summed, series by series, at each scrape anew', async () => {
    const workers = [new ThreadMetrics(), new ThreadMetrics()] as const
    const main = new PromMetrics(() => sourceOf(ONE, TWO), {
      processMetrics: false,
      dumps: () => Promise.resolve(workers.map(dumpOf)),
    })
    feed(main, ONE, 1)
    feed(workers[0], ONE, 20)
    feed(workers[1], ONE, 300)
    feed(workers[1], TWO, 4_000)
    for (const [scrape, more] of [0, 5].entries()) {
      for (let nth = 0; nth < more; nth++) {
        workers[0].requestFinished({
          route: 'a/x',
          revision: ONE,
          status: 503,
          durationMs: 1,
          refusal: 'QUEUE_FULL',
        })
      }
      const lines = await linesOf(main)
      for (const line of [
        'pilotlight_requests_total{route="a/x",revision="a/x-00001",code="200"} 321',
        'pilotlight_requests_total{route="a/x",revision="a/x-00002",code="200"} 4000',
        'pilotlight_request_duration_seconds_bucket{le="0.1",route="a/x",revision="a/x-00002"} 0',
        'pilotlight_request_duration_seconds_bucket{le="0.25",route="a/x",revision="a/x-00002"} 4000',
        'pilotlight_request_duration_seconds_sum{route="a/x",revision="a/x-00002"} 1000',
        `pilotlight_request_duration_seconds_count{route="a/x",revision="a/x-00001"} ${321 + more}`,
        'pilotlight_queue_wait_seconds_count{revision="a/x-00001",outcome="served"} 3',
        'pilotlight_connections_open{protocol="h2"} 4',
        'pilotlight_connections_open{protocol="http/1.1"} 0',
        'pilotlight_connections_accepted_total{protocol="h2"} 8',
        'pilotlight_replica_ejections_total{revision="a/x-00001"} 3',
      ]) {
        expect(lines).toContain(line)
      }
      const refused = lines.filter((line) => line.startsWith('pilotlight_refusals_total{'))
      expect(refused).toEqual(scrape === 0 ? [] : ['pilotlight_refusals_total{code="QUEUE_FULL"} 5'])
    }
  })

  it('say what the process uses once', async () => {
    const worker = new ThreadMetrics()
    const main = new PromMetrics(() => sourceOf(), { dumps: () => Promise.resolve([dumpOf(worker)]) })
    const lines = await linesOf(main)
    expect(lines.filter((line) => line.startsWith('process_cpu_seconds_total '))).toHaveLength(1)
    expect(Object.keys(worker.dump(living)).filter((name) => !name.startsWith('pilotlight_'))).toEqual([])
  })

  it('leave out revisions that the control plane no longer has, though a thread still does', async () => {
    const worker = new ThreadMetrics()
    feed(worker, ONE, 1)
    feed(worker, TWO, 1)
    worker.requestFinished({ route: '', revision: '', status: 404, durationMs: 1, refusal: 'NO_ROUTE' })
    const main = new PromMetrics(() => sourceOf(TWO), {
      processMetrics: false,
      dumps: () => Promise.resolve([dumpOf(worker)]),
    })
    const text = await main.expose()
    expect(text).not.toContain('x-00001')
    expect(text).toContain('revision="a/x-00002"')
    expect(text).toContain('pilotlight_requests_total{route="",revision="",code="404"} 1')
  })

  it('do not fall back when a thread is gone, but for the connections it had', async () => {
    let workers: ThreadMetrics[] = [new ThreadMetrics()]
    let last: Dump[] = []
    const main = new PromMetrics(() => sourceOf(ONE), {
      processMetrics: false,
      dumps: () => Promise.resolve((last = workers.map(dumpOf))),
    })
    feed(workers[0]!, ONE, 7)
    const before = await linesOf(main)
    workers = []
    for (const dump of last) main.absorb(dump)
    const after = await linesOf(main)
    expect(before).toContain('pilotlight_connections_open{protocol="h2"} 1')
    expect(after).toContain('pilotlight_connections_open{protocol="h2"} 0')
    const counters = (lines: readonly string[]): string[] =>
      lines.filter((line) => !line.startsWith('pilotlight_connections_open{')).toSorted()
    expect(counters(after)).toEqual(counters(before))
  })

  it('are each those of one moment when scrapes overlap', async () => {
    const answers = [Promise.withResolvers<Dump[]>(), Promise.withResolvers<Dump[]>()]
    let asked = 0
    const main = new PromMetrics(() => sourceOf(ONE), {
      processMetrics: false,
      dumps: () => answers[asked++]!.promise,
    })
    const [first, second] = [linesOf(main), linesOf(main)]
    const worker = new ThreadMetrics()
    for (const answer of answers) {
      worker.retried(ONE)
      answer.resolve([dumpOf(worker)])
    }
    expect(await first).toContain('pilotlight_retries_total{revision="a/x-00001"} 1')
    expect(await second).toContain('pilotlight_retries_total{revision="a/x-00001"} 2')
  })
})

describe('ThreadMetrics', () => {
  it('counts a revision from zero that was dropped and came back', () => {
    const metrics = new ThreadMetrics()
    const requestsOf = (dump: Dump): number[] =>
      (dump['pilotlight_request_duration_seconds'] ?? []).map(({ counts }) =>
        counts.slice(0, -1).reduce((sum, count) => sum + count, 0),
      )
    const waitsOf = (dump: Dump): number => (dump['pilotlight_queue_wait_seconds'] ?? []).length
    feed(metrics, ONE, 3)
    expect(requestsOf(metrics.dump(living))).toEqual([3])
    const without = metrics.dump(new Set([TWO]))
    expect([requestsOf(without), waitsOf(without)]).toEqual([[], 0])
    feed(metrics, ONE, 2)
    const again = metrics.dump(living)
    expect([requestsOf(again), waitsOf(again)]).toEqual([[2], 1])
  })

  it('gives a dump that later counts do not change', () => {
    const metrics = new ThreadMetrics()
    metrics.retried(ONE)
    const dump = metrics.dump(living)
    metrics.retried(ONE)
    expect(dump['pilotlight_retries_total']?.map(({ counts }) => counts[0])).toEqual([1])
  })

  it.each([
    { durationMs: 0, bucket: 0 },
    { durationMs: 5, bucket: 0 },
    { durationMs: 5.001, bucket: 1 },
    { durationMs: 300_000, bucket: 13 },
    { durationMs: 300_001, bucket: 14 },
  ])('puts $durationMs ms into bucket $bucket, whose bound it may equal', ({ durationMs, bucket }) => {
    const metrics = new ThreadMetrics()
    metrics.requestFinished({ route: 'a/x', revision: ONE, status: 200, durationMs })
    const [series] = metrics.dump(living)['pilotlight_request_duration_seconds'] ?? []
    expect(series?.counts.indexOf(1)).toBe(bucket)
    expect(series?.counts.at(-1)).toBe(durationMs / 1000)
  })
})
