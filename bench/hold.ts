/**
 * What it costs to hold requests for a service that is asleep, and how fast they go on when it wakes:
 * `npm run bench:hold [-- --quick] [--connections 15000] [--streams 50000] [-o json]`.
 *
 *     h2load ──15,000 connections──▶ gateway - - no replica yet - -▶ replicas that count
 *     unrelated requests ──────────▶    │  ────────────────────────▶ nginx
 *
 * The peer of the same run holds the same connections (streams) and does nothing else: bare `net` sockets, bare
 * node:http2 streams.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { machine, moveTo, pickCores } from './cpu.ts'
import { LeftOut } from './expect.ts'
import { holdBare, holdInGateway, type HoldRow } from './holding.ts'
import { tableOfHolding } from './hold-table.ts'
import { choices, wholeNumber } from './options.ts'
import { Processes } from './processes.ts'
import { findTools } from './tools.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    connections: { type: 'string' },
    streams: { type: 'string' },
    output: { type: 'string', short: 'o', default: 'table' },
  },
})
const { quick } = values
/** Of each process that holds an end: files for all else are left. */
const [, filesMax = ''] =
  /^Max open files +\d+ +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
const connectionsMax = filesMax === 'unlimited' ? 100_000 : Number(filesMax) - 2_000
const connections = wholeNumber(
  '--connections (0 = none; a process may open so many files)',
  values.connections ?? (quick ? '2000' : '15000'),
  0,
  connectionsMax,
)
const streams = wholeNumber('--streams (0 = none)', values.streams ?? (quick ? '5000' : '50000'), 0, 200_000)
const [output] = choices('-o', values.output, ['table', 'json'])

const tools = findTools(['taskset', 'setpriv', 'h2load', 'nginx'])
const cores = pickCores()
moveTo(cores.load, tools('taskset'))
await using processes = new Processes(tools)
const stage = { cores, processes, tools }

const rows: HoldRow[] = []
const skipped: { version: string; why: string }[] = []
for (const [version, count] of [
  ['http/1.1', connections],
  ['h2c', streams],
] as const) {
  if (count === 0) continue
  process.stderr.write(`${version}: ${count} requests are held\n`)
  try {
    const held = await holdInGateway(stage, version, count)
    rows.push({ ...held, peer: await holdBare(stage, version, count) })
  } catch (error) {
    if (!(error instanceof LeftOut)) throw error
    skipped.push({ version, why: error.message })
  }
}

console.log(`Holding requests for a sleeping service. ${machine()}.\n`)
console.log(tableOfHolding(rows))
for (const { version, why } of skipped) console.log(`skipped: ${version}: ${why}`)
if (output === 'json') console.log(JSON.stringify({ results: rows, skipped }))
const isBroken = rows.some((row) => row.lost > 0 || row.mostAtOnce > row.containerConcurrency)
process.exitCode = isBroken ? 1 : 0
