import type { Timer } from '../core/clock.ts'
import type { Latest } from '../core/latest.ts'
import type { ReplicaName, RevisionName } from '../core/names.ts'
import { SystemRandom } from '../core/random.ts'
import type { Bus, ControllerMember, GatewayMember, Report, SlotMessage } from '../core/report.ts'
import { silentLog, type Log } from '../core/telemetry.ts'
import { GatewaySeats } from './gateway-seats.ts'
import { Questions } from './questions.ts'
import { RedisConnection } from './redis-connection.ts'
import {
  answersChannel,
  channelsOf,
  decodeAnswer,
  decodeDown,
  decodeSlot,
  decodeUp,
  encode,
  encodeReports,
  instanceOf,
  MalformedMessage,
  slotsChannel,
  type AnswerMessage,
  type Channels,
  type Question,
} from './redis-messages.ts'
import { readSecrets, type RedisBusOptions, type RedisSecrets } from './redis-options.ts'
import { ASK, ENROL, LEAVE } from './redis-scripts.ts'

const BEAT_MS = 1_000
/** Malformed messages are told of this often at most. */
const COMPLAINT_PERIOD_MS = 10_000
/** Revisions to be woken when Redis is back; whoever still waits says it again every second anyway. */
const UNSAID_MAX = 1_000

/**
 * The bus between processes. A process is what it joins as: gateway, controller or both.
 *
 *     gateway      reports, wake-ups        -> up       -> every controller that joined
 *     controller   questions, keep          -> down     -> every gateway that joined
 *     gateway      answers                  -> answers  -> the process that asked
 *     gateway      what slots it lends      -> slots    -> the gateway of that name
 *
 * Only the leader joins as controller. Two that believe to lead for a moment both hear everything, which is harmless:
 * who may scale is decided by the lease in the Kubernetes API, not here.
 *
 * Nothing throws and nothing is queued while Redis is away: reports are worth nothing later, and what cannot be asked
 * was not answered, so nothing is let go. One server of Redis 6 or newer, or of Valkey; not a Redis Cluster, to whose
 * nodes the one connection would have to be spread.
 */
export class RedisBus implements Bus, AsyncDisposable {
  readonly #options: RedisBusOptions
  readonly #log: Log
  readonly #instance: string
  readonly #channels: Channels
  readonly #connection: RedisConnection
  readonly #gateways: GatewaySeats
  readonly #questions: Questions
  readonly #unsaidWakes = new Set<RevisionName>()
  #controller: { readonly member: ControllerMember } | undefined
  #beat: Timer | undefined
  #malformed = 0
  #complainedMs = Number.NEGATIVE_INFINITY

  /**
   * Begins to connect, and returns without waiting for it: a Redis that is away is tried until it is there.
   * @throws Error naming `caFile` or `passwordFile` if it cannot be read.
   */
  static async open(options: RedisBusOptions): Promise<RedisBus> {
    return new RedisBus(options, await readSecrets(options))
  }

  private constructor(options: RedisBusOptions, secrets: RedisSecrets) {
    const { clock, name, random = new SystemRandom(), log = silentLog } = options
    this.#options = options
    this.#log = log
    this.#instance = instanceOf(name, random.uint32())
    this.#channels = channelsOf(this.#prefix, this.#instance)
    this.#gateways = new GatewaySeats(clock, log)
    this.#questions = new Questions(clock, options.askTimeoutMs ?? 1_000)
    this.#connection = new RedisConnection({
      url: options.url,
      ...secrets,
      name: `${this.#prefix}:${name}`,
      clock,
      random,
      log,
      onMessage: (channel, text) => this.#hear(channel, text),
      onUp: () => this.#enrol(),
      onDown: () => {
        this.#questions.endAll()
        this.#gateways.keepAll()
      },
    })
    this.#connection.subscribe(this.#channels.answers)
    this.#connection.open()
    this.#nextBeat()
  }

  get isConnected(): boolean {
    return this.#connection.up.value
  }

  /** The same, for those who follow it. */
  get connected(): Pick<Latest<boolean>, 'value' | 'values'> {
    return this.#connection.up
  }

  /** When Redis last said anything, epoch ms; undefined before the first time. */
  get heardAtMs(): number | undefined {
    return this.#connection.heardAtMs
  }

  /**
   * Messages since the start: those that somebody got; those that nobody got, for want of a connection or a listener;
   * those that came in; and those of these that could not be understood.
   */
  get counts(): {
    readonly sent: number
    readonly dropped: number
    readonly received: number
    readonly malformed: number
  } {
    const { sent, dropped, received } = this.#connection
    return { sent, dropped, received, malformed: this.#malformed }
  }

  joinGateway(member: GatewayMember): Disposable {
    const leave = this.#gateways.join(member)
    this.#connection.subscribe(this.#channels.down)
    const slots = slotsChannel(this.#prefix, member.name)
    if (member.hear !== undefined) this.#connection.subscribe(slots)
    this.#enrol()
    return {
      [Symbol.dispose]: () => {
        leave()
        this.#connection.unsubscribe(slots)
        if (this.#gateways.size > 0) return
        this.#leave()
        this.#connection.unsubscribe(this.#channels.down)
      },
    }
  }

  /** Within a process the newest is the one that hears; one that came before it and leaves later changes nothing. */
  joinController(member: ControllerMember): Disposable {
    const seat = { member }
    this.#controller = seat
    this.#connection.subscribe(this.#channels.up)
    return {
      [Symbol.dispose]: () => {
        if (this.#controller !== seat) return
        this.#controller = undefined
        this.#connection.unsubscribe(this.#channels.up)
      },
    }
  }

  report(reports: readonly Report[]): void {
    if (reports.length > 0) this.#connection.publish(this.#channels.up, encodeReports(reports))
  }

  wake(revision: RevisionName): void {
    if (this.#connection.offer(this.#channels.up, encode({ wake: revision }))) return
    if (this.#unsaidWakes.size < UNSAID_MAX) this.#unsaidWakes.add(revision)
  }

  /** Best effort: what is said while Redis is away is lost. */
  tell(gateway: string, message: SlotMessage): void {
    this.#connection.publish(slotsChannel(this.#prefix, gateway), encode(message))
  }

  /** False also where not every gateway answered in time. @throws the signal's reason. */
  async letGo(revision: RevisionName, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    let isReleased = false
    try {
      const hasKept = (answer: AnswerMessage): boolean => !('released' in answer && answer.released)
      const answers = await this.#ask({ letGo: revision }, hasKept, signal)
      isReleased = answers !== undefined && !answers.some((answer) => hasKept(answer))
      return isReleased
    } finally {
      // Also to those that have not answered: the question may be on its way to them.
      if (!isReleased) this.keep(revision)
    }
  }

  /** Where it gets lost, the gateways keep by themselves after a few seconds, or when they lose Redis. */
  keep(revision: RevisionName): void {
    this.#connection.publish(this.#channels.down, encode({ keep: revision }))
  }

  /** @throws the signal's reason. */
  async load(
    replicas: readonly ReplicaName[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<ReplicaName, number> | undefined> {
    signal.throwIfAborted()
    const isUseless = (answer: AnswerMessage): boolean =>
      !('inFlight' in answer) || answer.inFlight.length !== replicas.length
    const answers = await this.#ask({ load: replicas }, isUseless, signal)
    if (answers === undefined || answers.some((answer) => isUseless(answer))) return undefined
    const counts = answers.flatMap((answer) => ('inFlight' in answer ? [answer.inFlight] : []))
    return new Map(
      replicas.map((replica, nth) => [replica, counts.reduce((sum, each) => sum + (each[nth] ?? 0), 0)]),
    )
  }

  /** Resolves when Redis has taken all that was said so far, or is known not to. */
  settled(): Promise<void> {
    return this.#connection.ping()
  }

  /** Leaves, and ends the connection. */
  async close(): Promise<void> {
    this.#beat?.cancel()
    this.#beat = undefined
    if (this.#gateways.size > 0) this.#leave()
    await this.#connection.close()
    this.#questions.endAll()
    this.#gateways.keepAll()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #prefix(): string {
    return this.#options.prefix ?? 'pilotlight'
  }

  #nextBeat(): void {
    this.#beat = this.#options.clock.after(
      BEAT_MS,
      () => {
        this.#nextBeat()
        this.#connection.renew()
        this.#enrol()
      },
      { keepAlive: false },
    )
  }

  /** Says that this process is there, or asks Redis for a sign of life; and what could not be said before. */
  #enrol(): void {
    const reply =
      this.#gateways.size === 0
        ? this.#connection.ping()
        : this.#connection.evaluate(ENROL, { keys: [this.#channels.gateways], args: [this.#instance] })
    void reply
    for (const revision of this.#unsaidWakes) {
      if (!this.#connection.offer(this.#channels.up, encode({ wake: revision }))) break
      this.#unsaidWakes.delete(revision)
    }
  }

  #leave(): void {
    void this.#connection.evaluate(LEAVE, { keys: [this.#channels.gateways], args: [this.#instance] })
  }

  #ask(
    question: Question,
    isFinal: (answer: AnswerMessage) => boolean,
    signal: AbortSignal,
  ): Promise<readonly AnswerMessage[] | undefined> {
    const { down, gateways } = this.#channels
    return this.#questions.ask(
      this.#options.members?.() ?? [],
      isFinal,
      async (id) => {
        const message = encode({ from: this.#instance, id, ...question })
        const heard = await this.#connection.evaluate(ASK, { keys: [gateways], args: [down, message] })
        return Array.isArray(heard) ? heard.map(String) : undefined
      },
      signal,
    )
  }

  #hear(channel: string, text: string): void {
    try {
      if (channel === this.#channels.up) this.#hearGateway(text)
      else if (channel === this.#channels.down) this.#hearController(text)
      else if (channel === this.#channels.answers) this.#questions.answer(decodeAnswer(text))
      else this.#gateways.hear(channel.slice(slotsChannel(this.#prefix, '').length), decodeSlot(text))
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error
      this.#complain(channel, error)
    }
  }

  #hearGateway(text: string): void {
    const message = decodeUp(text)
    try {
      if ('wake' in message) this.#controller?.member.wake(message.wake)
      else this.#controller?.member.report(message.reports)
    } catch (error) {
      this.#log.error({ err: error }, 'the controller failed to take what a gateway told it')
    }
  }

  #hearController(text: string): void {
    const message = decodeDown(text)
    if ('keep' in message) {
      this.#gateways.keep(message.keep)
      return
    }
    const said = 'letGo' in message ? this.#gateways.letGo(message.letGo) : this.#gateways.load(message.load)
    if (said === undefined) return
    const answer = encode({ from: this.#instance, id: message.id, ...said })
    this.#connection.publish(answersChannel(this.#prefix, message.from), answer)
  }

  #complain(channel: string, error: MalformedMessage): void {
    this.#malformed += 1
    const nowMs = this.#options.clock.now()
    if (nowMs - this.#complainedMs < COMPLAINT_PERIOD_MS) return
    this.#complainedMs = nowMs
    const fields = { channel, reason: error.message, malformed: this.#malformed }
    this.#log.warn(fields, 'a message on Redis cannot be understood and is dropped')
  }
}
