import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Permit } from '../../activator/permit.ts'
import type { Match, RequestHead } from '../../router/index.ts'
import type { Clock, Timer } from '../../src/core/clock.ts'
import type { Config } from '../../src/core/config.ts'
import type { RevisionName } from '../../src/core/names.ts'
import type { Random } from '../../src/core/random.ts'
import { Refusal } from '../../src/core/refusals.ts'
import type { RequestLimits } from '../../src/core/revision.ts'
import type { Log, Metrics } from '../../src/core/telemetry.ts'
import type { Admission } from '../../src/gateway/admission.ts'
import type { Exchange, Forwarder } from './forwarder.ts'
import { newTraceparent, requestIdOf } from '../../src/gateway/identity.ts'
import { ProxyForwarder } from './proxy-forwarder.ts'
import { linger, writeRefusal } from './refuse.ts'
import { ReplayableBody } from './replayable-body.ts'
import { headOf } from './request-head.ts'
import { requestHeaders } from './request-headers.ts'
import { send } from './retry.ts'
import { makeServer } from './server.ts'
import { TrustedProxies } from '../../src/gateway/trusted-proxies.ts'
import { UnderWay } from './under-way.ts'

export interface SimpleGatewayOptions {
  readonly config: Config['gateway']
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly random: Random
  /** The routes that are true now. */
  readonly table: () => { match(head: RequestHead): Match | undefined }
  readonly activator: Admission
  readonly limitsOf: (revision: RevisionName) => RequestLimits | undefined
  /** Why a host that is known has no revision that can answer; undefined for an unknown host. */
  readonly unready?: (host: string, path: string) => string | undefined
  /** Default: http-proxy-3. */
  readonly forwarder?: Forwarder
}

const NO_LIMITS: RequestLimits = {
  containerConcurrency: 0,
  timeoutMs: 0,
  responseStartTimeoutMs: 0,
  idleTimeoutMs: 0,
}

/**
 * The data path in its simplest form, on Fastify and http-proxy-3: what the differential tests compare the gateway's
 * own with, and the baseline of the benchmark.
 */
export class SimpleGateway {
  readonly #options: SimpleGatewayOptions
  readonly #trusted: TrustedProxies
  readonly #forwarder: Forwarder
  readonly #server: FastifyInstance
  readonly #underWay = new UnderWay()
  #state: 'serving' | 'leaving' | 'refusing' | 'closed' = 'serving'

  /** @throws ConfigError for an unusable `trustedProxies`. */
  constructor(options: SimpleGatewayOptions) {
    this.#options = options
    this.#trusted = new TrustedProxies(options.config.trustedProxies)
    this.#forwarder = options.forwarder ?? new ProxyForwarder(options.clock)
    this.#server = makeServer({
      headBytesMax: options.config.headBytesMax,
      handle: (request, response) => void this.#serve(request, response),
      onRefused: (refusal) =>
        this.#finished({ startMs: options.clock.now(), status: refusal.status, refusal }),
      isBusy: (socket) => this.#underWay.isBusy(socket),
    })
  }

  /** Whether a load balancer should send requests here. */
  get isReady(): boolean {
    return this.#state === 'serving' && this.#server.server.listening
  }

  /**
   * Begins to take requests.
   * @throws Error naming host and port when they cannot be had.
   */
  async listen(): Promise<{ readonly host: string; readonly port: number }> {
    const { host, port } = this.#options.config
    try {
      await this.#server.listen({ host, port })
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
      const why = code === 'EADDRINUSE' ? 'the port is in use' : code
      throw new Error(`gateway: cannot listen on host ${host}, port ${port}: ${why}`, { cause })
    }
    const bound = this.#server.server.address()
    if (bound === null || typeof bound === 'string') throw new Error(`gateway: no address for ${host}`)
    this.#options.log.info({ host: bound.address, port: bound.port }, 'gateway listens')
    return { host: bound.address, port: bound.port }
  }

  /** Stops in this order: not ready, wait, refuse what is new, let what runs finish, end the rest. `signal` skips waiting. */
  async drain(signal?: AbortSignal): Promise<void> {
    const { clock, config, log } = this.#options
    if (this.#state !== 'serving') return
    this.#state = 'leaving'
    if (config.drainDelayMs > 0) await clock.sleep(config.drainDelayMs, signal).catch(() => undefined)
    this.#state = 'refusing'
    const waiting = new AbortController()
    const skip = signal === undefined ? waiting.signal : AbortSignal.any([waiting.signal, signal])
    const timeout = clock.sleep(config.drainTimeoutMs, skip).catch(() => undefined)
    await Promise.race([this.#underWay.drained(), timeout])
    waiting.abort()
    if (this.#underWay.size > 0)
      log.warn({ requests: this.#underWay.size }, 'requests are ended that did not finish in time')
    await this.close()
  }

  /** Ends every request and connection now. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#underWay.abort(new Refusal('SHUTTING_DOWN'))
    await this.#underWay.drained()
    const closed = this.#server.close()
    this.#server.server.closeAllConnections()
    await closed
    this.#forwarder.close()
  }

  /** The path of a request, from its head to its last byte. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, config, metrics, random, activator, limitsOf } = this.#options
    const startMs = clock.now()
    const requestId = requestIdOf(request.headersDistinct['x-request-id']?.[0], random)
    const ended = new AbortController()
    const { signal } = ended
    using _ = this.#underWay.enter(request.socket, ended)
    response.on('close', () => {
      if (!response.writableFinished) ended.abort(new Refusal('CLIENT_GONE'))
    })
    const expectsContinue = request.headers.expect?.toLowerCase() === '100-continue'
    let body: ReplayableBody | undefined
    let match: Match | undefined
    let deadline: Timer | undefined
    let refusal: Refusal | undefined
    try {
      const head = headOf(request)
      if (this.#state === 'refusing' || this.#state === 'closed')
        throw new Refusal('SHUTTING_DOWN', { retryAfterSeconds: 1 })
      const { route, revision, path } = (match = this.#match(head))
      const limits = limitsOf(revision) ?? NO_LIMITS
      body = new ReplayableBody(request, expectsContinue ? { onWanted: () => response.writeContinue() } : {})
      const headers = requestHeaders(request, {
        service: route.service,
        trusted: this.#trusted.includes(request.socket.remoteAddress),
        requestId,
        newTraceparent: () => newTraceparent(random),
      })
      const exchange = { request, response, body, path, headers }
      const onPermit = (permit: Permit): Exchange => {
        if (limits.timeoutMs > 0)
          deadline ??= clock.after(limits.timeoutMs, () => ended.abort(new Refusal('REQUEST_TIMEOUT')))
        return { ...exchange, extraHeaders: extraHeaders(requestId, permit, this.#state !== 'serving') }
      }
      const outcome = await send({
        admission: activator,
        forwarder: this.#forwarder,
        metrics,
        retriesMax: config.retriesMax,
        revision,
        limits,
        body,
        bytes: Math.min(Number(request.headers['content-length'] ?? 0), body.keepBytesMax),
        signal,
        onPermit,
      })
      if (outcome === 'cut') refusal = new Refusal('UPSTREAM_RESET')
      else if (!request.complete && !request.socket.destroyed) this.#giveUpRest(request, body)
    } catch (error) {
      refusal = this.#refusalOf(error)
      this.#refuse(request, response, { refusal, requestId, body })
    } finally {
      deadline?.cancel()
    }
    const status = response.headersSent || refusal === undefined ? response.statusCode : refusal.status
    this.#finished({ startMs, status, refusal, match })
  }

  #match(head: RequestHead & { readonly method: string }): Match {
    if (head.method === 'TRACE') throw new Refusal('METHOD_REFUSED', { detail: head.method })
    const match = this.#options.table().match(head)
    if (match !== undefined) return match
    const why = this.#options.unready?.(head.host, head.path)
    if (why !== undefined) throw new Refusal('REVISION_NOT_READY', { detail: why, retryAfterSeconds: 1 })
    throw new Refusal('NO_ROUTE', { detail: `host ${JSON.stringify(head.host)}` })
  }

  /** Whatever went wrong, as what the client is told. */
  #refusalOf(error: unknown): Refusal {
    if (error instanceof Refusal) return error
    this.#options.log.error({ err: error }, 'a request failed in a way that has no code')
    return new Refusal('UPSTREAM_RESET', { cause: error })
  }

  #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    why: { readonly refusal: Refusal; readonly requestId: string; readonly body: ReplayableBody | undefined },
  ): void {
    why.body?.discard()
    if (response.destroyed || request.socket.destroyed) return
    if (response.headersSent) {
      request.socket.resetAndDestroy()
      return
    }
    writeRefusal(request, response, why.refusal, {
      clock: this.#options.clock,
      extraHeaders: ['x-request-id', why.requestId],
      close: this.#state !== 'serving',
    })
  }

  /** The answer was whole before the request was: a little more is read, so that the connection can stay. */
  #giveUpRest(request: IncomingMessage, body: ReplayableBody): void {
    body.discard()
    linger(request, this.#options.clock, () => {
      if (!request.complete) request.socket.destroy()
    })
  }

  #finished(request: {
    readonly startMs: number
    readonly status: number
    readonly refusal?: Refusal | undefined
    readonly match?: Match | undefined
  }): void {
    const { startMs, status, refusal, match } = request
    this.#options.metrics.requestFinished({
      route: match?.route.name ?? '',
      revision: match?.revision ?? '',
      status,
      ...(refusal === undefined ? {} : { refusal: refusal.code }),
      durationMs: this.#options.clock.now() - startMs,
    })
  }
}

function extraHeaders(requestId: string, permit: Permit, isLeaving: boolean): string[] {
  const headers = ['x-request-id', requestId, 'x-pilotlight-revision', permit.revision]
  if (isLeaving) headers.push('Connection', 'close')
  if (permit.cold) headers.push('x-pilotlight-cold-start', String(Math.round(permit.waitedMs)))
  return headers
}
