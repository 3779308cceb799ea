import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expectAnswer, expectEvents, expectGrpcAnswer } from './expect.ts'
import { h2load, wrk, type Load, type Loader } from './load.ts'
import { HOST } from './peers/proxy.ts'
import { followEvents } from './sse.ts'
import { BIG_ANSWER_BYTES, GRPC_MESSAGE, GRPC_PATH, SMALL_ANSWER } from './upstreams/nginx.ts'

const BIG_BODY_BYTES = 102_400
const UPLOAD_BYTES = 10_485_760
/** gRPC clients keep many calls on few connections: at least as many calls are under way. */
const GRPC_CALLS_AT_ONCE = 128
export const EVENTS_PER_SECOND = 20_000

export const CASE_NAMES = ['small', 'body-100k', 'upload-10m', 'sse', 'grpc'] as const
export type CaseName = (typeof CASE_NAMES)[number]

export interface Span {
  readonly connections: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

/** One kind of request: how it is checked, and how it is made in numbers. */
export interface Case {
  readonly title: string
  /** @throws Error that says what is wrong with the answer. */
  check(port: number): Promise<void>
  /**
   * Warms up, then measures.
   * @param onSpan called when the measured span begins, and when it ends.
   */
  measure(loader: Loader, port: number, span: Span, onSpan: (edge: 'begins' | 'ends') => void): Promise<Load>
}

function withWrk(path: string, bodyBytes: number): Case['measure'] {
  return async (loader, port, { connections, warmUpSeconds, seconds }, onSpan) => {
    const request = { url: `http://127.0.0.1:${port}${path}`, host: HOST, connections, bodyBytes }
    await wrk(loader, { ...request, seconds: Math.ceil(warmUpSeconds) })
    onSpan('begins')
    const load = await wrk(loader, { ...request, seconds })
    onSpan('ends')
    return load
  }
}

export const cases: Readonly<Record<CaseName, Case>> = {
  small: {
    title: 'GET, an answer of 60 bytes',
    check: (port) => expectAnswer(port, '/small', { text: SMALL_ANSWER }),
    measure: withWrk('/small', 0),
  },
  'body-100k': {
    title: 'POST, 100 KB there and 100 KB back',
    check: (port) =>
      expectAnswer(port, '/echo', { bodyBytes: BIG_BODY_BYTES, text: 'y'.repeat(BIG_ANSWER_BYTES) }),
    measure: withWrk('/echo', BIG_BODY_BYTES),
  },
  'upload-10m': {
    title: 'POST of 10 MB, a small answer',
    check: (port) =>
      expectAnswer(port, '/upload', {
        bodyBytes: UPLOAD_BYTES,
        text: JSON.stringify({ bytes: UPLOAD_BYTES }),
      }),
    measure: async (loader, port, { connections, warmUpSeconds, seconds }, onSpan) => {
      const body = join(loader.processes.folder, 'upload')
      writeFileSync(body, randomBytes(UPLOAD_BYTES))
      const upload = (clients: number, requests: number) =>
        h2load(loader, {
          url: `http://127.0.0.1:${port}/upload`,
          headers: [`:authority: ${HOST}`],
          version: 'http/1.1',
          connections: clients,
          streams: 1,
          requests,
          body,
        })
      const warmUp = await upload(16, Math.max(16, Math.ceil(32 * warmUpSeconds)))
      const perSecond = warmUp.requests / warmUp.seconds
      onSpan('begins')
      const load = await upload(connections, Math.max(connections, Math.ceil(perSecond * seconds)))
      onSpan('ends')
      return load
    },
  },
  sse: {
    title: `1,000 server-sent events, ${EVENTS_PER_SECOND} a second in all; times are those of an event`,
    check: (port) => expectEvents(port, '/events'),
    measure: (_loader, port, span, onSpan) =>
      followEvents({ url: `http://127.0.0.1:${port}/events`, host: HOST, ...span }, onSpan),
  },
  grpc: {
    title: `gRPC unary, 12 bytes each way, at least ${GRPC_CALLS_AT_ONCE} calls at once`,
    check: (port) => expectGrpcAnswer(port, GRPC_PATH, GRPC_MESSAGE),
    measure: async (loader, port, { connections, warmUpSeconds, seconds }, onSpan) => {
      const body = join(loader.processes.folder, 'grpc')
      writeFileSync(body, GRPC_MESSAGE)
      const call = (requests: number) =>
        h2load(loader, {
          url: `http://127.0.0.1:${port}${GRPC_PATH}`,
          headers: [`:authority: ${HOST}`, 'content-type: application/grpc', 'te: trailers'],
          version: 'h2c',
          connections,
          streams: Math.ceil(GRPC_CALLS_AT_ONCE / connections),
          requests,
          body,
        })
      // The first calls tell how many fit into the spans.
      const first = await call(Math.max(2_000, connections))
      const warm = await call(Math.ceil((first.requests / first.seconds) * warmUpSeconds) + connections)
      onSpan('begins')
      const load = await call(Math.ceil((warm.requests / warm.seconds) * seconds) + connections)
      onSpan('ends')
      return load
    },
  },
}
