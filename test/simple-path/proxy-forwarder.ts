import { Agent, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import httpProxy from 'http-proxy-3'
import type { Clock } from '../../src/core/clock.ts'
import type { Address } from '../../src/core/replica.ts'
import type { RequestLimits } from '../../src/core/revision.ts'
import type { Exchange, Forwarder, ForwardResult } from './forwarder.ts'
import { ProxyAttempt } from './proxy-attempt.ts'
import { isChunked } from './request-headers.ts'

/**
 * Forwards with http-proxy-3, on its node:http path: its fetch path knows no trailers, no upgrade and no reset.
 * http-proxy-3 makes the upstream request and pipes the body into it; head, answer, trailers and errors are ours,
 * since its own passes end a broken answer as if it were whole. Upgrades go the same way, so that they are
 * retried and refused like any other request.
 */
export class ProxyForwarder implements Forwarder {
  readonly #clock: Clock
  /** The permit is the limit on what runs, so the pool has none. */
  readonly #pool = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 1_024 })
  readonly #unpooled = new Agent({ keepAlive: false })
  readonly #proxy = httpProxy.createProxyServer()
  readonly #attempts = new WeakMap<IncomingMessage, ProxyAttempt>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#proxy.on('proxyReq', (upstream, request, _response, _options, socket) =>
      this.#start(upstream, request, socket),
    )
  }

  forward(
    exchange: Exchange,
    address: Address,
    limits: Pick<RequestLimits, 'responseStartTimeoutMs' | 'idleTimeoutMs'>,
    options: { readonly signal: AbortSignal; readonly fresh: boolean },
  ): Promise<ForwardResult> {
    const { request, response, headers, path } = exchange
    const attempt = new ProxyAttempt({ exchange, limits, clock: this.#clock, signal: options.signal })
    if (options.signal.aborted) return attempt.result
    this.#attempts.set(request, attempt)
    // http-proxy-3 copies from the request it is given, and edits what it copies from.
    request.headers = { ...headers }
    request.url = path
    try {
      this.#proxy.web(
        request,
        response,
        {
          target: { host: address.host, port: address.port },
          agent: options.fresh ? this.#unpooled : this.#pool,
          buffer: attempt.bodyStream,
          selfHandleResponse: true,
        },
        (error) => {
          // A client whose connection broke is no failure of the replica: the signal ends the attempt.
          if (!request.socket.destroyed) attempt.fail(error)
        },
      )
    } catch (error) {
      attempt.fail(error instanceof Error ? error : new Error(String(error)))
    }
    return attempt.result
  }

  close(): void {
    this.#pool.destroy()
    this.#unpooled.destroy()
  }

  /** The upstream request has its socket and has sent nothing yet. */
  #start(upstream: ClientRequest, request: IncomingMessage, socket: Socket): void {
    const attempt = this.#attempts.get(request)
    if (attempt === undefined) return
    const { headers, path } = attempt.exchange
    // http-proxy-3 rewrites `/x?` and `*`.
    upstream.path = path
    // It frames a chunked DELETE as empty, which would leave the body to be read as the next request.
    if (headers['transfer-encoding'] !== undefined) {
      upstream.removeHeader('content-length')
      upstream.setHeader('transfer-encoding', 'chunked')
    } else if (headers['content-length'] === undefined) {
      upstream.removeHeader('content-length')
      upstream.removeHeader('transfer-encoding')
    }
    if (headers['trailer'] !== undefined && isChunked(request))
      upstream.setHeader('trailer', headers['trailer'])
    attempt.start(upstream, socket)
  }
}
