import { connect, type IncomingHttpHeaders } from 'node:http2'
import { isIPv6 } from 'node:net'
import type { Address } from '../core/replica.ts'

const METHOD = '/grpc.health.v1.Health/Check'
/** Compressed flag and length, before every message. */
const PREFIX_BYTES = 5
const ANSWER_BYTES_MAX = 65_536

/** HealthCheckResponse.ServingStatus. */
const STATUS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const

/**
 * Asks grpc.health.v1 in clear text with prior knowledge, as a kubelet does.
 * Why not, or undefined for a yes. Throws when the connection breaks or `signal` is aborted.
 * Source: https://github.com/grpc/grpc-proto/blob/master/grpc/health/v1/health.proto
 */
export function askGrpcHealth(
  { host, port, service }: Address & { readonly service: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    const session = connect(`http://${isIPv6(host) ? `[${host}]` : host}:${port}`)
    const onAbort = (): void => fail(signal.reason)
    const end = (): void => {
      signal.removeEventListener('abort', onAbort)
      session.destroy()
    }
    const fail = (error: unknown): void => {
      end()
      reject(error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    session.once('error', fail)

    const stream = session.request({
      ':method': 'POST',
      ':path': METHOD,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const chunks: Buffer[] = []
    let bytes = 0
    let grpcStatus: string | undefined
    let httpStatus = 0
    const readStatus = (headers: IncomingHttpHeaders): void => {
      const value = headers['grpc-status']
      if (typeof value === 'string') grpcStatus = value
    }
    stream.once('error', fail)
    stream.once('response', (headers) => {
      httpStatus = headers[':status'] ?? 0
      // An answer without a message has its status here.
      readStatus(headers)
    })
    stream.once('trailers', readStatus)
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > ANSWER_BYTES_MAX)
        fail(new Error(`${METHOD}: an answer of more than ${ANSWER_BYTES_MAX} bytes`))
      else chunks.push(chunk)
    })
    // A session that ends first has not answered.
    stream.once('close', () => {
      end()
      resolve(verdict(httpStatus, grpcStatus, Buffer.concat(chunks)))
    })
    stream.end(requestOf(service))
  })
}

function verdict(httpStatus: number, grpcStatus: string | undefined, body: Buffer): string | undefined {
  if (httpStatus !== 200) return `${METHOD}: status ${httpStatus}`
  if (grpcStatus !== '0') return `${METHOD}: grpc-status ${grpcStatus ?? 'missing'}`
  const status = servingStatusOf(body.subarray(PREFIX_BYTES))
  return status === 1 ? undefined : `${METHOD}: ${STATUS[status] ?? status}`
}

/** HealthCheckRequest { string service = 1 } with its prefix. */
function requestOf(service: string): Buffer {
  const name = Buffer.from(service)
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name])
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}

/** HealthCheckResponse { ServingStatus status = 1 }: its only field is a small number, and 0 is not written. */
function servingStatusOf(message: Buffer): number {
  return message[0] === 0x08 ? (message[1] ?? 0) : 0
}
