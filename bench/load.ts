import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { percentile } from './figures.ts'
import type { Processes } from './processes.ts'
import type { Tools } from './tools.ts'

const loadSchema = z.object({
  requests: z.number(),
  seconds: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  /** Connections that failed, answers other than 2xx, requests without an answer in time. */
  errors: z.number(),
})

/** What a load generator did and saw. */
export type Load = z.infer<typeof loadSchema>

/** Who generates load, and where. */
export interface Loader {
  readonly core: number
  readonly processes: Processes
  readonly tools: Tools
}

/** Requests as fast as they are answered, for some seconds, each connection one at a time. */
export async function wrk(
  { core, processes, tools }: Loader,
  request: {
    readonly url: string
    readonly host: string
    readonly connections: number
    readonly seconds: number
    /** Length of the body of a POST; 0: a GET. */
    readonly bodyBytes: number
  },
): Promise<Load> {
  const script = join(processes.folder, 'load.lua')
  const post = `wrk.method = 'POST'; wrk.body = string.rep('x', ${request.bodyBytes})`
  writeFileSync(
    script,
    `wrk.headers['Host'] = '${request.host}'
${request.bodyBytes > 0 ? post : ''}
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\nRESULT {"requests":%d,"seconds":%.6f,"p50Ms":%.3f,"p99Ms":%.3f,"errors":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`,
  )
  const text = await processes.run(core, [
    tools('wrk'),
    '--threads=1',
    `--connections=${request.connections}`,
    `--duration=${request.seconds}s`,
    '--timeout=60s',
    `--script=${script}`,
    request.url,
  ])
  const [, result = ''] = /^RESULT (.+)$/m.exec(text) ?? []
  return loadSchema.parse(JSON.parse(result))
}

/** One request of h2load's log: when it began, epoch ms, and how long it took. */
export interface LoggedRequest {
  readonly beganMs: number
  readonly tookMs: number
  readonly status: number
}

export interface H2loadRequest {
  readonly url: string
  readonly headers: readonly string[]
  readonly version: 'http/1.1' | 'h2c'
  readonly connections: number
  /** At once on a connection; 1 for HTTP/1.1. */
  readonly streams: number
  readonly requests: number
  /** File with the body of a POST. */
  readonly body?: string
  /** Connections are opened at this rate, per second; default: all at once. */
  readonly connectionsPerSecond?: number
}

export function h2loadCommand(tools: Tools, request: H2loadRequest): string[] {
  const command = [tools('h2load'), '-c', String(request.connections), '-m', String(request.streams)]
  command.push('-n', String(request.requests))
  if (request.version === 'http/1.1') command.push('--h1')
  if (request.body !== undefined) command.push('-d', request.body)
  if (request.connectionsPerSecond !== undefined) {
    // In steps of 100 ms: smaller bursts, and h2load takes no step that opens more connections than there will be.
    const perStep = Math.max(1, Math.min(request.connections, Math.round(request.connectionsPerSecond / 10)))
    command.push('-r', String(perStep), '--rate-period=100ms')
  }
  for (const header of request.headers) command.push('-H', header)
  command.push(request.url)
  return command
}

/**
 * A fixed number of requests, as fast as they are answered.
 * @returns what was seen, and each request in the order in which they ended.
 */
export async function h2load(
  { core, processes, tools }: Loader,
  request: H2loadRequest,
): Promise<Load & { readonly log: readonly LoggedRequest[] }> {
  const logFile = join(processes.folder, 'h2load.log')
  writeFileSync(logFile, '')
  const text = await processes.run(core, [...h2loadCommand(tools, request), `--log-file=${logFile}`])
  const [, succeeded] = /, (\d+) succeeded,/.exec(text) ?? []
  if (succeeded === undefined) throw new Error(`h2load said:\n${text}`)
  const log = readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): LoggedRequest => {
      const [beganUs = 0, status = 0, tookUs = 0] = line.split('\t').map(Number)
      return { beganMs: beganUs / 1000, tookMs: tookUs / 1000, status }
    })
  const began = log.reduce((least, { beganMs }) => Math.min(least, beganMs), Infinity)
  const ended = log.reduce((most, { beganMs, tookMs }) => Math.max(most, beganMs + tookMs), 0)
  const times = log.map(({ tookMs }) => tookMs)
  return {
    requests: Number(succeeded),
    seconds: (ended - began) / 1000,
    p50Ms: percentile(times, 50),
    p99Ms: percentile(times, 99),
    errors: request.requests - Number(succeeded),
    log,
  }
}
