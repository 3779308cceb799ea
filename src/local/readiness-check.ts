import { execFile } from 'node:child_process'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import type { EnvVar, ReplicaTemplate } from '../core/revision.ts'
import { fillPlaceholders, type Launch, type Placement } from './launch.ts'
import { REPLICA_HOST } from './ports.ts'

/** How a replica is asked whether it can answer. */
export type Check =
  | {
      readonly kind: 'http'
      readonly scheme: 'HTTP' | 'HTTPS'
      readonly port: number
      readonly path: string
      readonly headers: readonly EnvVar[]
      /** V1 also says so in its answer: `{"name": "iris", "ready": false}`. */
      readonly readyInBody: boolean
    }
  | { readonly kind: 'tcp'; readonly port: number }
  | { readonly kind: 'exec'; readonly command: readonly string[] }

/** All that have to say yes: a replica with a port for gRPC calls has to listen there as well. */
export function checksOf(template: ReplicaTemplate, placement: Placement): readonly Check[] {
  const check = checkOf(template, placement)
  const { grpcPort } = placement
  return grpcPort === undefined ? [check] : [check, { kind: 'tcp', port: grpcPort }]
}

/**
 * The template's own probe, else the model's ready endpoint in the protocol that it speaks, else a TCP connect.
 * A probe's port is that of the replica, unless it is a number that the container does not declare.
 */
export function checkOf(template: ReplicaTemplate, placement: Placement): Check {
  const { readinessProbe: probe, modelName, protocol } = template
  const common = { scheme: 'HTTP', port: placement.port, headers: [] } as const
  if (probe?.httpGet !== undefined) {
    const { path, port, scheme = 'HTTP', httpHeaders = [] } = probe.httpGet
    const filled = fillPlaceholders('readinessProbe.httpGet.path', path, template, placement)
    const target = probePort(port, template, placement.port)
    return { kind: 'http', scheme, port: target, path: filled, headers: httpHeaders, readyInBody: false }
  }
  if (probe?.tcpSocket !== undefined) {
    return { kind: 'tcp', port: probePort(probe.tcpSocket.port, template, placement.port) }
  }
  if (probe?.exec !== undefined) {
    const fill = (part: string): string => fillPlaceholders('readinessProbe.exec', part, template, placement)
    return { kind: 'exec', command: probe.exec.command.map(fill) }
  }
  const model = modelName === undefined ? undefined : encodeURIComponent(modelName)
  if (model !== undefined && protocol === 'v1') {
    return { kind: 'http', ...common, path: `/v1/models/${model}`, readyInBody: true }
  }
  if (model !== undefined && protocol === 'v2') {
    return { kind: 'http', ...common, path: `/v2/models/${model}/ready`, readyInBody: false }
  }
  return { kind: 'tcp', port: placement.port }
}

function probePort(
  port: number | string | undefined,
  template: ReplicaTemplate,
  replicaPort: number,
): number {
  const asked = Number(port)
  const isOther = Number.isInteger(asked) && asked > 0 && template.ports.length > 0
  return isOther && !template.ports.some(({ containerPort }) => containerPort === asked) ? asked : replicaPort
}

/** Why not, or undefined for a yes. Throws when it cannot tell, which is a no as well. */
export function ask(check: Check, launch: Launch, signal: AbortSignal): Promise<string | undefined> {
  switch (check.kind) {
    case 'http':
      return askHttp(check, signal)
    case 'tcp':
      return askTcp(check.port, signal)
    case 'exec':
      return askCommand(check.command, launch, signal)
    default:
      return check satisfies never
  }
}

export function askTcp(port: number, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: REPLICA_HOST, port, signal })
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', (error) => {
      socket.destroy()
      if (signal.aborted) reject(error)
      else resolve(`nothing listens on port ${port} yet`)
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
      host: REPLICA_HOST,
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
  [file = '', ...args]: readonly string[],
  launch: Launch,
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { cwd: launch.cwd, env: launch.env, signal, killSignal: 'SIGKILL' } as const
    execFile(file, args, options, (error) => {
      resolve(error === null ? undefined : `command "${file}": ${error.message.split('\n')[0] ?? ''}`)
    })
  })
}
