import { table } from './figures.ts'
import type { HoldRow, Memory } from './holding.ts'

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(2)} KB`
function besidePeer({ memory, peer }: HoldRow, figure: keyof Memory): string {
  const ratio = (memory[figure] / peer[figure]).toFixed(2)
  return `${kilobytes(memory[figure])} (${kilobytes(peer[figure])}, ${ratio})`
}

const ms = (value: number): string => `${value.toFixed(1)} ms`

/** One column a row of the result: there are two at most, and many figures. */
export function tableOfHolding(rows: readonly HoldRow[]): string {
  const lines: readonly (readonly [string, (row: HoldRow) => string])[] = [
    ['held', (row) => String(row.held)],
    ['connections', (row) => String(row.connections)],
    ['resident memory of one (bare peer, ratio)', (row) => besidePeer(row, 'resident')],
    ['  after garbage collection', (row) => besidePeer(row, 'residentCollected')],
    ['  JavaScript heap alone', (row) => besidePeer(row, 'heap')],
    ['all answered after', (row) => ms(row.releaseMs)],
    ['released per second', (row) => row.releasesPerSecond.toFixed(0)],
    ['CPU of the gateway for one', (row) => `${row.cpuMicrosPerReleased.toFixed(0)} us`],
    ['lost', (row) => String(row.lost)],
    ['most at once on the first replica', (row) => `${row.mostAtOnce} of ${row.containerConcurrency}`],
    ['p99 of unrelated requests before', (row) => ms(row.unrelated.before.p99Ms)],
    ['  while holding', (row) => ms(row.unrelated.holding.p99Ms)],
    ['  while releasing', (row) => ms(row.unrelated.releasing.p99Ms)],
    ['  errors', (row) => String(row.unrelatedErrors)],
  ]
  return table(
    ['', ...rows.map(({ version }) => version)],
    lines.map(([name, figure]) => [name, ...rows.map(figure)]),
  )
}
