import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Decision } from '../core/decision.ts'
import { metricCatalogue } from './catalogue.ts'
import { PromMetrics, type MetricsSource } from './prom-metrics.ts'

const noReplicas = { scheduling: 0, pulling: 0, loading: 0, ready: 0, draining: 0, failed: 0 }
const decision: Decision = {
  class: 'kpa',
  atMs: 0,
  replicas: 1,
  mode: 'panic',
  limits: [],
  signals: [],
  inputs: { metric: 'concurrency', stable: 1, panic: 2, ready: 1, starting: 0, waiting: 0, target: 7 },
  windowsMs: { stable: 60_000, panic: 6_000 },
  excessBurstCapacity: 0,
}

function revision(name: `${string}/${string}`): MetricsSource['revisions'][number] {
  return { name, wanted: 3, waiting: 2, inFlight: 5, replicas: { ...noReplicas, ready: 1, loading: 2 } }
}

/** One observation of everything for a revision. */
function feed(metrics: PromMetrics, name: `${string}/${string}`): void {
  metrics.requestFinished({ route: 'a/r', revision: name, status: 200, durationMs: 20 })
  metrics.requestFinished({ route: 'a/r', revision: name, status: 503, refusal: 'QUEUE_FULL', durationMs: 1 })
  metrics.queueLeft(name, 'served', 400)
  metrics.tokensUsed(name, { prompt: 7, generated: 12 })
  metrics.coldStart(name, 700_000)
  metrics.retried(name)
  metrics.decided(name, decision)
  metrics.replicaEjected(name)
  metrics.connectionOpened('http/1.1')
  metrics.connectionRefused('per-address')
  metrics.upstreamConnection('reused')
}

describe('PromMetrics', () => {
  it('shows what was counted and what the source says at the scrape', async () => {
    const metrics = new PromMetrics(() => ({ revisions: [revision('a/x-00001')] }), { processMetrics: false })
    feed(metrics, 'a/x-00001')
    const text = await metrics.expose()
    for (const line of [
      'pilotlight_requests_total{route="a/r",revision="a/x-00001",code="200"} 1',
      'pilotlight_requests_total{route="a/r",revision="a/x-00001",code="503"} 1',
      'pilotlight_request_duration_seconds_bucket{le="0.025",route="a/r",revision="a/x-00001"} 2',
      'pilotlight_request_duration_seconds_bucket{le="0.01",route="a/r",revision="a/x-00001"} 1',
      'pilotlight_queue_wait_seconds_sum{revision="a/x-00001",outcome="served"} 0.4',
      'pilotlight_cold_start_seconds_bucket{le="600",revision="a/x-00001"} 0',
      'pilotlight_cold_start_seconds_bucket{le="900",revision="a/x-00001"} 1',
      'pilotlight_refusals_total{code="QUEUE_FULL"} 1',
      'pilotlight_retries_total{revision="a/x-00001"} 1',
      'pilotlight_decisions_total{revision="a/x-00001",mode="panic"} 1',
      'pilotlight_replica_ejections_total{revision="a/x-00001"} 1',
      'pilotlight_connections_open{protocol="http/1.1"} 1',
      'pilotlight_connections_accepted_total{protocol="http/1.1"} 1',
      'pilotlight_connections_accepted_total{protocol="h2"} 0',
      'pilotlight_connections_refused_total{reason="per-address"} 1',
      'pilotlight_connections_refused_total{reason="tls"} 0',
      'pilotlight_upstream_connections_total{use="reused"} 1',
      'pilotlight_upstream_connections_total{use="opened"} 0',
      'pilotlight_queue_depth{revision="a/x-00001"} 2',
      'pilotlight_requests_in_flight{revision="a/x-00001"} 5',
      'pilotlight_replicas{revision="a/x-00001",phase="loading"} 2',
      'pilotlight_replicas_wanted{revision="a/x-00001"} 3',
    ]) {
      expect(text.split('\n')).toContain(line)
    }
  })

  it('removes every series of a revision that is gone, and no other', async () => {
    let source: MetricsSource = { revisions: [revision('a/x-00001'), revision('a/x-00002')] }
    const metrics = new PromMetrics(() => source, { processMetrics: false })
    feed(metrics, 'a/x-00001')
    feed(metrics, 'a/x-00002')
    metrics.requestFinished({ route: '', revision: '', status: 404, refusal: 'NO_ROUTE', durationMs: 1 })
    const before = await metrics.expose()
    expect(before).toContain('x-00001')
    source = { revisions: [revision('a/x-00002')] }
    const after = await metrics.expose()
    expect(after).not.toContain('x-00001')
    expect(after).toContain('pilotlight_retries_total{revision="a/x-00002"} 1')
    expect(after).toContain('pilotlight_requests_total{route="",revision="",code="404"} 1')
  })

  it('adds the metrics of the process', async () => {
    expect(await new PromMetrics(() => ({ revisions: [] })).expose()).toContain('process_cpu_seconds_total')
  })
})

describe('metricCatalogue', () => {
  it('is what is exposed, in type, help and labels', async () => {
    const metrics = new PromMetrics(() => ({ revisions: [revision('a/x-00001')] }), { processMetrics: false })
    feed(metrics, 'a/x-00001')
    const text = await metrics.expose()
    const exposed = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`)
    expect(exposed.toSorted()).toEqual(metricCatalogue.map((m) => `${m.name} ${m.type}`).toSorted())
    for (const { name, labels, help } of metricCatalogue) {
      expect(text).toContain(`# HELP ${name} ${help}\n`)
      const sample = new RegExp(`^${name}(?:_count)?\\{([^}]*)\\}`, 'm').exec(text)?.[1] ?? ''
      const found = [...sample.matchAll(/(\w+)="/g)]
        .map(([, label]) => label)
        .filter((label) => label !== 'le')
      expect({ name, labels: found }).toEqual({ name, labels: expect.arrayContaining([...labels]) })
      expect(found).toHaveLength(labels.length)
    }
  })

  it('is what docs/metrics.md lists, row by row', () => {
    const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
    const rows = page.split('\n').filter((line) => line.startsWith('| `pilotlight_'))
    expect(rows).toEqual(
      metricCatalogue.map(
        (m) => `| \`${m.name}\` | ${m.type} | ${m.labels.map((l) => `\`${l}\``).join(', ')} | ${m.help} |`,
      ),
    )
  })
})
