import type { Permit } from '../../activator/permit.ts'
import type { Match } from '../../router/index.ts'
import type { Clock } from '../core/clock.ts'
import type { Config } from '../core/config.ts'
import type { RevisionName } from '../core/names.ts'
import type { Address } from '../core/replica.ts'
import type { Random } from '../core/random.ts'
import { Refusal } from '../core/refusals.ts'
import type { RequestLimits } from '../core/revision.ts'
import type { Log, Metrics } from '../core/telemetry.ts'
import type { Admission } from './admission.ts'
import type { Exchange, RequestHead } from './exchange.ts'
import { valueOf } from './fields.ts'
import { parseGrpcTimeout } from './http2/grpc-timeout.ts'
import { requestIdOf } from './identity.ts'
import { FIELD } from './known-field.ts'
import type { ConnectionCount, Listening } from './listener/index.ts'
import { Pace } from './pace.ts'
import { Provenance, type RequestFields } from './request-fields.ts'
import { send, type Sending } from './retry.ts'
import { Roster } from './roster.ts'
import { TimerWheel, WheelTimer } from './timer-wheel.ts'
import { TrustedProxies } from './trusted-proxies.ts'
import { PLAIN_HTTP1, type ForwardResult, type Way } from './upstream.ts'
import { mayHaveUsage, type Usage } from './usage.ts'
import { withUsage } from './watched-reply.ts'
import { Wire } from './wire.ts'

export interface GatewayOptions {
  readonly config: Config['gateway']
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly random: Random
  /** The routes that are true now. */
  readonly table: () => { match(head: RequestHead): Match | undefined }
  readonly activator: Admission
  readonly limitsOf: (revision: RevisionName) => RequestLimits | undefined
  /** Where the replica of a permit takes a request, and how it is spoken to; default: its address, HTTP/1.1 in clear text. */
  readonly wayTo?: (permit: Permit, isGrpc: boolean) => Way
  /** Why a host that is known has no revision that can answer; undefined for an unknown host. */
  readonly unready?: (host: string, path: string, header: RequestHead['header']) => string | undefined
  /** Where several threads listen on the same ports: what they count together. Default: this gateway is alone. */
  readonly sharedCount?: ConnectionCount
}

/** One costs up to 0.1 ms, from its forward to the end of its answer and of its connection: a turn takes 3 ms or so. */
const RELEASED_PER_TURN = 32

const NO_LIMITS: RequestLimits = {
  containerConcurrency: 0,
  timeoutMs: 0,
  responseStartTimeoutMs: 0,
  idleTimeoutMs: 0,
}

/** The data plane: takes requests, finds their revision, waits for room, forwards. */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #provenance: Provenance
  readonly #sending: Sending
  readonly #wheel: TimerWheel
  readonly #wire: Wire
  readonly #underWay = new Roster<Exchange>()
  #state: 'serving' | 'leaving' | 'refusing' | 'closed' = 'serving'

  /** @throws ConfigError for an unusable `trustedProxies` or TLS file. */
  constructor(options: GatewayOptions) {
    this.#options = options
    this.#provenance = new Provenance(new TrustedProxies(options.config.trustedProxies), options.random)
    this.#sending = {
      admission: options.activator,
      metrics: options.metrics,
      retriesMax: options.config.retriesMax,
      pace: new Pace(RELEASED_PER_TURN),
    }
    this.#wheel = new TimerWheel(options.clock)
    this.#wire = new Wire({
      ...options,
      wheel: this.#wheel,
      isLeaving: () => this.#state !== 'serving',
      handle: (exchange) => void this.#serve(exchange),
      onRefused: (refusal) => this.#finished(options.clock.now(), refusal.status, refusal, undefined),
    })
  }

  /** Whether a load balancer should send requests here. */
  get isReady(): boolean {
    return this.#state === 'serving' && this.#wire.isListening
  }

  /** Requests that are being answered, held ones included. */
  get underWay(): number {
    return this.#underWay.size
  }

  /** Connections of clients that are open. */
  get connections(): number {
    return this.#wire.connections
  }

  /**
   * Begins to take requests.
   * @throws Error naming host and port when they cannot be had.
   */
  async listen(): Promise<Listening> {
    const bound = await this.#wire.listen()
    this.#options.log.info({ ...bound }, 'gateway listens')
    return bound
  }

  /** Ends idle connections to replicas that are not there any more. */
  retain(replicas: readonly { readonly address?: Address; readonly grpcAddress?: Address }[]): void {
    this.#wire.retain(
      replicas.flatMap(({ address, grpcAddress }) => [address ?? [], grpcAddress ?? []].flat()),
    )
  }

  /**
   * Stops in this order: not ready, wait, refuse what is new, let what runs finish and clients read their answers, end the
   * rest. `signal` skips waiting.
   */
  async drain(signal?: AbortSignal): Promise<void> {
    const { clock, config, log } = this.#options
    if (this.#state !== 'serving') return
    this.#state = 'leaving'
    if (config.drainDelayMs > 0) await clock.sleep(config.drainDelayMs, signal).catch(() => undefined)
    this.#state = 'refusing'
    this.#wire.leave()
    const waiting = new AbortController()
    const skip = signal === undefined ? waiting.signal : AbortSignal.any([waiting.signal, signal])
    const timeout = clock.sleep(config.drainTimeoutMs, skip).catch(() => undefined)
    const finished = this.#underWay.empty().then(() => this.#wire.clientsGone())
    await Promise.race([finished, timeout])
    waiting.abort()
    if (this.#underWay.size > 0)
      log.warn({ requests: this.#underWay.size }, 'requests are ended that did not finish in time')
    await this.close()
  }

  /** Ends every request and connection now. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    for (const exchange of this.#underWay) exchange.abort(new Refusal('SHUTTING_DOWN'))
    await this.#underWay.empty()
    await this.#wire.close()
  }

  /** The path of a request, from its head to its last byte. */
  async #serve(exchange: Exchange): Promise<void> {
    const { clock, random, limitsOf } = this.#options
    const startMs = clock.now()
    const { head, reply } = exchange
    const requestId = requestIdOf(valueOf(head.fields, FIELD.xRequestId), random)
    const delivery: Delivery = { exchange, requestId, limits: NO_LIMITS }
    let refusal: Refusal | undefined
    this.#underWay.enter(exchange)
    try {
      const match = (delivery.match = this.#match(head))
      delivery.limits = limitsOf(match.revision) ?? NO_LIMITS
      if (head.isGrpc) delivery.callDeadline = this.#deadline(exchange, grpcTimeoutMs(head))
      const attempt = (permit: Permit, fresh: boolean) => this.#forward(delivery, match, permit, fresh)
      const outcome = await send(exchange, match.revision, attempt, this.#sending)
      if (outcome === 'cut') refusal = new Refusal('UPSTREAM_RESET')
    } catch (error) {
      refusal = this.#refusalOf(error)
      exchange.body.discard()
      reply.refuse(refusal, ['x-request-id', requestId])
    } finally {
      if (delivery.deadline !== undefined) this.#wheel.cancel(delivery.deadline)
      if (delivery.callDeadline !== undefined) this.#wheel.cancel(delivery.callDeadline)
      this.#underWay.leave(exchange)
    }
    const status = reply.status === 0 ? (refusal?.status ?? 0) : reply.status
    this.#finished(startMs, status, refusal, delivery.match)
  }

  /** One attempt. What the replica hears of the request is made when it has one: a request that waits carries nothing. */
  #forward(delivery: Delivery, match: Match, permit: Permit, fresh: boolean): Promise<ForwardResult> {
    const { exchange, limits, requestId } = delivery
    const { head, peer } = exchange
    delivery.deadline ??= this.#deadline(exchange, limits.timeoutMs)
    delivery.fields ??= this.#provenance.of(head, peer, match.route.service, requestId)
    const { address, transport } = this.#wayTo(permit, head)
    const { revision } = match
    const carried = mayHaveUsage(head)
      ? withUsage(exchange, (usage) => this.#used(revision, usage))
      : exchange
    return this.#wire.forward(carried, {
      address,
      transport,
      path: match.path,
      added: delivery.fields,
      ours: oursFields(requestId, permit),
      limits,
      fresh,
    })
  }

  #used(revision: RevisionName, tokens: Usage): void {
    this.#options.metrics.tokensUsed(revision, tokens)
    this.#options.activator.used(revision, tokens)
  }

  #match(head: RequestHead): Match {
    if (this.#state === 'refusing' || this.#state === 'closed')
      throw new Refusal('SHUTTING_DOWN', { retryAfterSeconds: 1 })
    if (head.method === 'TRACE') throw new Refusal('METHOD_REFUSED', { detail: head.method })
    const match = this.#options.table().match(head)
    if (match !== undefined) return match
    const why = this.#options.unready?.(head.host, head.path, (name) => head.header(name))
    if (why !== undefined) throw new Refusal('REVISION_NOT_READY', { detail: why, retryAfterSeconds: 1 })
    throw new Refusal('NO_ROUTE', { detail: `host ${JSON.stringify(head.host)}` })
  }

  /** @throws Refusal NO_ROUTE for a gRPC call to replicas that do not speak HTTP/2. */
  #wayTo(permit: Permit, { isGrpc }: RequestHead): Way {
    const way = this.#options.wayTo?.(permit, isGrpc) ?? { address: permit.address, transport: PLAIN_HTTP1 }
    if (isGrpc && way.transport.protocol !== 'h2')
      throw new Refusal('NO_ROUTE', { detail: `${permit.revision} takes no gRPC calls` })
    return way
  }

  /** @param afterMs 0 = never. */
  #deadline(exchange: Exchange, afterMs: number): WheelTimer | undefined {
    if (afterMs === 0) return undefined
    const timer = new WheelTimer(() => exchange.abort(new Refusal('REQUEST_TIMEOUT')))
    this.#wheel.arm(timer, afterMs)
    return timer
  }

  /** Whatever went wrong, as what the client is told. */
  #refusalOf(error: unknown): Refusal {
    if (error instanceof Refusal) return error
    this.#options.log.error({ err: error }, 'a request failed in a way that has no code')
    return new Refusal('UPSTREAM_RESET', { cause: error })
  }

  #finished(startMs: number, status: number, refusal: Refusal | undefined, match: Match | undefined): void {
    this.#options.metrics.requestFinished({
      route: match?.route.name ?? '',
      revision: match?.revision ?? '',
      status,
      refusal: refusal?.code,
      durationMs: this.#options.clock.now() - startMs,
    })
  }
}

/** One request on its way: what its attempts have in common. */
interface Delivery {
  readonly exchange: Exchange
  readonly requestId: string
  limits: RequestLimits
  match?: Match
  fields?: RequestFields
  /** The whole request, once it has a replica. */
  deadline?: WheelTimer | undefined
  /** The whole gRPC call as its client set it, the wait included. */
  callDeadline?: WheelTimer | undefined
}

/** As the client of a gRPC call set it, in ms; 0 = none. @throws Refusal BAD_REQUEST for what is no timeout. */
function grpcTimeoutMs(head: RequestHead): number {
  try {
    const timeoutMs = parseGrpcTimeout(head.header('grpc-timeout'))
    // A time that is over already still ends the call.
    return timeoutMs === undefined ? 0 : Math.max(1, timeoutMs)
  } catch (error) {
    throw new Refusal('BAD_REQUEST', { detail: error instanceof Error ? error.message : String(error) })
  }
}

/** What an answer carries besides the replica's own fields. */
function oursFields(requestId: string, { revision, cold, waitedMs }: Permit): string[] {
  const ours = ['x-request-id', requestId, 'x-pilotlight-revision', revision]
  if (cold) ours.push('x-pilotlight-cold-start', String(Math.round(waitedMs)))
  return ours
}
