import { execFile } from 'node:child_process'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import type { Address } from '../core/replica.ts'
import type { EnvVar } from '../core/revision.ts'
import { askGrpcHealth } from './grpc-health.ts'

/** How a replica is asked whether it can answer. */
export type Check =
  | ({
      readonly kind: 'http'
      readonly scheme: 'HTTP' | 'HTTPS'
      readonly path: string
      readonly headers: readonly EnvVar[]
      /** V1 also says so in its answer: `{"name": "iris", "ready": false}`. */
      readonly readyInBody: boolean
      /** A status of 4xx is a yes, too: it listens, and does not know the question. */
      readonly acceptsUnknown?: boolean
    } & Address)
  | ({ readonly kind: 'tcp' } & Address)
  /** `service` as in grpc.health.v1: empty = the whole server. */
  | ({ readonly kind: 'grpc'; readonly service: string } & Address)
  /** A command of this machine: for local processes only. */
  | {
      readonly kind: 'exec'
      readonly command: readonly string[]
      readonly cwd: string
      readonly env: Readonly<Record<string, string>>
    }

/** Why not, or undefined for a yes. Throws when it cannot tell, which is a no as well. */
export function ask(check: Check, signal: AbortSignal): Promise<string | undefined> {
  switch (check.kind) {
    case 'http':
      return askHttp(check, signal)
    case 'tcp':
      return askTcp(check, signal)
    case 'grpc':
      return askGrpcHealth(check, signal)
    case 'exec':
      return askCommand(check, signal)
    default:
      return check satisfies never
  }
}

export function askTcp({ host, port }: Address, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal })
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.destroy()
      if (signal.aborted) reject(error)
      else if (error.code === 'ECONNREFUSED') resolve(`nothing listens on port ${port} yet`)
      else resolve(`cannot connect to port ${port}: ${error.message}`)
    })
  })
}

const ANSWER_BYTES_MAX = 65_536

async function askHttp(
  check: Extract<Check, { kind: 'http' }>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = check.scheme === 'HTTPS' ? httpsRequest : httpRequest
    const headers = Object.fromEntries(check.headers.map(({ name, value }) => [name, value]))
    request({
      host: check.host,
      port: check.port,
      path: check.path,
      headers,
      signal,
      // One connection a question: a replica that is ready owes us nothing.
      agent: false,
      // As a kubelet does: a probe asks whether it answers, not who it is.
      rejectUnauthorized: false,
    })
      .once('response', resolve)
      .once('error', reject)
      .end()
  })
  const status = answer.statusCode ?? 0
  if (check.acceptsUnknown === true && status >= 400 && status < 500) {
    answer.destroy()
    return undefined
  }
  if (status < 200 || status >= 400) {
    answer.destroy()
    return `GET ${check.path}: status ${status}`
  }
  if (!check.readyInBody) {
    answer.destroy()
    return undefined
  }
  let body = ''
  for await (const chunk of answer.setEncoding('utf8')) {
    body += String(chunk)
    if (body.length > ANSWER_BYTES_MAX) break
  }
  return saysNotReady(body) ? `GET ${check.path}: "ready" is false` : undefined
}

function saysNotReady(body: string): boolean {
  try {
    const answer: unknown = JSON.parse(body)
    return typeof answer === 'object' && answer !== null && 'ready' in answer && answer.ready === false
  } catch {
    return false
  }
}

function askCommand(
  { command: [file = '', ...args], cwd, env }: Extract<Check, { kind: 'exec' }>,
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd, env, signal, killSignal: 'SIGKILL' }, (error) => {
      resolve(error === null ? undefined : `command "${file}": ${error.message.split('\n')[0] ?? ''}`)
    })
  })
}
