import type { CaseName } from './cases.ts'
import { table } from './figures.ts'
import type { ProxyName } from './peers/proxy.ts'

export interface ProxyRow {
  readonly case: CaseName
  readonly proxy: ProxyName
  readonly connections: number
  readonly cpuMicrosPerRequest: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** The share of its core that the proxy used: below 1 the load or the upstream was the limit. */
  readonly busy: number
  readonly requests: number
  readonly errors: number
}

/** The run whose CPU is the median; of an even number the lower one. */
export function middleRun(runs: readonly ProxyRow[]): ProxyRow {
  const sorted = runs.toSorted((a, b) => a.cpuMicrosPerRequest - b.cpuMicrosPerRequest)
  const middle = sorted[Math.ceil(sorted.length / 2) - 1]
  if (middle === undefined) throw new Error('there was no run')
  return { ...middle, errors: runs.reduce((sum, { errors }) => sum + errors, 0) }
}

export function tableOf(rows: readonly ProxyRow[]): string {
  return table(
    ['case', 'proxy', 'connections', 'CPU us', 'to nginx', 'requests/s', 'p50 ms', 'p99 ms', 'core', ''],
    rows.map((row) => {
      const nginx = rows.find(
        (other) =>
          other.proxy === 'nginx' && other.case === row.case && other.connections === row.connections,
      )
      return [
        row.case,
        row.proxy,
        String(row.connections),
        row.cpuMicrosPerRequest.toFixed(row.cpuMicrosPerRequest < 1_000 ? 1 : 0),
        nginx === undefined ? '' : (row.cpuMicrosPerRequest / nginx.cpuMicrosPerRequest).toFixed(2),
        row.requestsPerSecond.toFixed(row.requestsPerSecond < 1_000 ? 1 : 0),
        row.p50Ms.toFixed(2),
        row.p99Ms.toFixed(2),
        `${Math.round(row.busy * 100)} %`,
        row.errors === 0 ? '' : `${row.errors} ERRORS`,
      ]
    }),
  )
}
