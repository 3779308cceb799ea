import type { Socket } from 'node:net'
import { WheelTimer, type TimerWheel } from '../timer-wheel.ts'

/** After so long a client that was asked whether it is still there is asked again, so many times in all. */
const PROBE_AGAIN_MS = 15_000
const PROBES_MAX = 2

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

/** How a client is looked at while its request is under way. */
export interface WatchBounds {
  /** How often; 0 = never. */
  readonly bodyIdleTimeoutMs: number
  /** What a client that sends a body has to send on average; 0 = any. */
  readonly bodyBytesPerSecondMin: number
}

/** How it stands with a client whose request is under way. */
export interface ClientDuties {
  /** It has to send more of its body now. */
  readonly isSending: boolean
  /** It has to read before more can be sent. */
  readonly isReading: boolean
}

/** Whose time it is. */
export interface WatchedClient {
  /** The time that was armed is over, or it is time to look. */
  onTime(): void
  /** Whether it is still there cannot be seen, and it can be asked: it has half closed, or we do not read on. */
  readonly isUnseen: boolean
}

/**
 * The one timer of a client's connection. Between requests it is a plain timeout; while one is under way it looks
 * from time to time at whether the client does its part, so that data which flows touches no timer.
 */
export class ClientWatch extends WheelTimer {
  readonly #socket: Socket
  readonly #client: WatchedClient
  readonly #shared: { readonly wheel: TimerWheel; readonly bounds: WatchBounds }
  #readMark = 0
  #writtenMark = 0
  #probes = 0

  constructor(
    socket: Socket,
    client: WatchedClient,
    shared: { readonly wheel: TimerWheel; readonly bounds: WatchBounds },
  ) {
    super(undefined)
    this.#socket = socket
    this.#client = client
    this.#shared = shared
  }

  override fire(): void {
    this.#client.onTime()
  }

  /** `delayMs` 0 = for ever. */
  arm(delayMs: number): void {
    if (delayMs > 0) this.#shared.wheel.arm(this, delayMs)
    else this.off()
  }

  off(): void {
    this.#shared.wheel.cancel(this)
  }

  /** From now on looks regularly. */
  start(): void {
    this.#readMark = this.#socket.bytesRead
    this.#writtenMark = this.#takenBytes
    this.arm(this.#shared.bounds.bodyIdleTimeoutMs)
  }

  /** From now on it cannot be seen whether the client is there. */
  unseen(): void {
    this.arm(PROBE_AGAIN_MS)
  }

  /** When the time is over: whether the client was too slow; if not, goes on looking where there is something to see. */
  look({ isSending, isReading }: ClientDuties): 'slow' | 'fine' {
    const { bodyIdleTimeoutMs, bodyBytesPerSecondMin } = this.#shared.bounds
    const leastBytes = Math.max(1, (bodyBytesPerSecondMin * bodyIdleTimeoutMs) / 1000)
    if (this.#client.isUnseen) this.probe()
    else if (isSending && this.#socket.bytesRead - this.#readMark < leastBytes) return 'slow'
    else if (isReading && this.#takenBytes === this.#writtenMark) return 'slow'
    else this.start()
    return 'fine'
  }

  /**
   * Asks a client whether it is still there, where that cannot be seen. One that has half closed after its request has
   * either left or waits for its answer, which look the same; of one whose body we do not read on we would not even see
   * that it closed. Whoever has left answers a 100, which every HTTP/1.1 client must bear (RFC 9110, 15.2), with a reset,
   * and the next write tells: so there are two at once, both now, since later the answer may have begun. Some clients
   * bear five of them, so a request gets four.
   */
  probe(): void {
    if (this.#probes >= PROBES_MAX) return
    this.#probes += 1
    this.#socket.write(CONTINUE, 'latin1')
    this.#socket.write(CONTINUE, 'latin1')
    this.arm(PROBE_AGAIN_MS)
  }

  /** A request begins: it may be asked anew. */
  reset(): void {
    this.#probes = 0
  }

  /** Bytes that the client's side has taken. */
  get #takenBytes(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength
  }
}
