import { request as httpRequest } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import type { Clock } from '../../../../src/core/clock.ts'
import type { ContainerProcess } from './container-process.ts'
import type { Action, ContainerSpec } from './objects.ts'

/** What probes and lifecycle hooks do. */
export interface ActionTarget {
  readonly spec: ContainerSpec
  readonly address: string
  readonly process: ContainerProcess
  readonly clock: Clock
}

/** True when it succeeded within the time. An action of no known kind throws. */
export async function perform(action: Action, target: ActionTarget, timeoutMs: number): Promise<boolean> {
  const { clock, address, spec, process } = target
  if (action.sleep !== undefined) {
    await clock.sleep(action.sleep.seconds * 1_000)
    return true
  }
  if (action.exec !== undefined) {
    return process.exec(action.exec.command, timeoutMs).then(
      ({ code }) => code === 0,
      () => false,
    )
  }
  if (action.httpGet !== undefined) return httpGet(action.httpGet, spec, address, { clock, timeoutMs })
  if (action.tcpSocket !== undefined) {
    const { host = address, port } = action.tcpSocket
    return tcpConnect(host, portOf(port, spec), { clock, timeoutMs })
  }
  if (action.grpc !== undefined) {
    return grpcHealth(`http://${address}:${action.grpc.port}`, action.grpc.service ?? '', {
      clock,
      timeoutMs,
    })
  }
  throw new Error(`container ${spec.name}: an action without exec, httpGet, tcpSocket, grpc or sleep`)
}

interface Limit {
  readonly clock: Clock
  readonly timeoutMs: number
}

function portOf(port: number | string, spec: ContainerSpec): number {
  if (typeof port === 'number') return port
  const named = spec.ports?.find(({ name }) => name === port)
  if (named === undefined) throw new Error(`container ${spec.name} has no port named ${port}`)
  return named.containerPort
}

/** From 200 to 399 is success; each one on a connection of its own. */
function httpGet(
  { path = '/', port, host, scheme = 'HTTP', httpHeaders = [] }: NonNullable<Action['httpGet']>,
  spec: ContainerSpec,
  address: string,
  { clock, timeoutMs }: Limit,
): Promise<boolean> {
  const send = scheme === 'HTTPS' ? httpsRequest : httpRequest
  const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]))
  const options = {
    headers: { 'user-agent': 'kube-probe/1.37', ...headers },
    agent: false,
    rejectUnauthorized: false,
  }
  const url = new URL(path, `${scheme.toLowerCase()}://${host ?? address}:${portOf(port, spec)}`)
  return new Promise((resolve) => {
    const request = send(url, options, (response) => {
      response.resume()
      response.once('error', () => undefined)
      const status = response.statusCode ?? 0
      resolve(status >= 200 && status < 400)
    })
    const deadline = clock.after(timeoutMs, () => request.destroy())
    request.once('error', () => resolve(false))
    request.once('close', () => {
      deadline.cancel()
      resolve(false)
    })
    request.end()
  })
}

function tcpConnect(host: string, port: number, { clock, timeoutMs }: Limit): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const deadline = clock.after(timeoutMs, () => socket.destroy())
    socket.once('connect', () => {
      resolve(true)
      socket.destroy()
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => {
      deadline.cancel()
      resolve(false)
    })
  })
}

/** grpc.health.v1.Health/Check: the answer is SERVING when field 1 of its message is 1. */
function grpcHealth(authority: string, service: string, { clock, timeoutMs }: Limit): Promise<boolean> {
  const name = Buffer.from(service)
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name])
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return new Promise((resolve) => {
    const session = connectHttp2(authority)
    const deadline = clock.after(timeoutMs, () => session.destroy())
    session.once('error', () => resolve(false))
    session.once('close', () => {
      deadline.cancel()
      resolve(false)
    })
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('error', () => resolve(false))
    stream.once('end', () => {
      resolve(
        Buffer.concat(chunks)
          .subarray(5)
          .equals(Buffer.from([0x08, 0x01])),
      )
      session.destroy()
    })
    stream.end(Buffer.concat([prefix, message]))
  })
}
