import type { Socket } from 'node:net'
import { WheelTimer, type TimerWheel } from '../timer-wheel.ts'

/** How long a client that has half closed is left alone before it is asked again; it doubles. */
const PROBE_MS_MIN = 500
const PROBE_MS_MAX = 30_000

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

/** How a client is looked at while its request is under way. */
export interface WatchBounds {
  /** How often; 0 = never. */
  readonly bodyIdleTimeoutMs: number
  /** What a client that sends a body has to send on average; 0 = any. */
  readonly bodyBytesPerSecondMin: number
}

/** What a client has to do now. */
export interface ClientDuties {
  /** It has more of its body to send, and we read it. */
  readonly isSending: boolean
  /** It has to read before more can be sent. */
  readonly isReading: boolean
  /** It has half closed, and no byte of its answer is out. */
  readonly isHalfClosed: boolean
}

/**
 * The one timer of a client's connection. Between requests it is a plain timeout; while one is under way it looks
 * from time to time at whether the client does its part, so that data which flows touches no timer.
 */
export class ClientWatch {
  readonly #socket: Socket
  readonly #wheel: TimerWheel
  readonly #bounds: WatchBounds
  readonly #timer: WheelTimer
  #readMark = 0
  #writtenMark = 0
  #probeMs = PROBE_MS_MIN

  /** @param onTime the time that was armed, or set by `look`, is over. */
  constructor(socket: Socket, wheel: TimerWheel, bounds: WatchBounds, onTime: () => void) {
    this.#socket = socket
    this.#wheel = wheel
    this.#bounds = bounds
    this.#timer = new WheelTimer(onTime)
  }

  /** `delayMs` 0 = for ever. */
  arm(delayMs: number): void {
    if (delayMs > 0) this.#wheel.arm(this.#timer, delayMs)
    else this.off()
  }

  off(): void {
    this.#wheel.cancel(this.#timer)
  }

  /** From now on looks regularly. */
  start(): void {
    this.#readMark = this.#socket.bytesRead
    this.#writtenMark = this.#takenBytes
    this.arm(this.#bounds.bodyIdleTimeoutMs)
  }

  /** When the time is over: whether the client was too slow; if not, and it still has duties, goes on looking. */
  look({ isSending, isReading, isHalfClosed }: ClientDuties): 'slow' | 'fine' {
    const { bodyIdleTimeoutMs, bodyBytesPerSecondMin } = this.#bounds
    const leastBytes = Math.max(1, (bodyBytesPerSecondMin * bodyIdleTimeoutMs) / 1000)
    if (isHalfClosed) this.probe()
    else if (isSending && this.#socket.bytesRead - this.#readMark < leastBytes) return 'slow'
    else if (isReading && this.#takenBytes === this.#writtenMark) return 'slow'
    else if (isSending || isReading) this.start()
    return 'fine'
  }

  /**
   * Asks a client that has half closed after its request whether it is still there: it has either left or waits for
   * its answer, which look the same from here. Whoever has left answers a 100, which every HTTP/1.1 client must bear
   * (RFC 9110, 15.2), with a reset, and the next write tells: so there are two at once, and more in case the reset is
   * slow or the client leaves later.
   */
  probe(): void {
    this.#socket.write(CONTINUE, 'latin1', () => this.#socket.write(CONTINUE, 'latin1'))
    this.arm(this.#probeMs)
    this.#probeMs = Math.min(this.#probeMs * 2, PROBE_MS_MAX)
  }

  /** Bytes that the client's side has taken. */
  get #takenBytes(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength
  }
}
