import type { Socket } from 'node:net'
import { WheelTimer, type TimerWheel } from '../timer-wheel.ts'

/** What an HTTP/2 client says first. No HTTP/1.1 request begins so. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** Who goes on with a connection; called once, or never if it ended before. */
export interface FirstBytesTaker {
  /** Takes what was read so far, and has to listen for 'data' in this same turn: the socket flows. */
  http1(first: Buffer): void
  /** The socket is paused, and the preface is still to be read from it. */
  http2(): void
}

/**
 * Waits for the first bytes of a connection, to learn which HTTP it speaks:
 *
 *     "GET / HT..."         -> http1, with the first piece as it came
 *     "PRI * HT" "TP/2..."  -> http2, when all 24 bytes are there
 *     "P" "OST /"           -> http1, with both pieces in one
 *     nothing in time       -> closed
 *
 * Whoever gives it a time stops it when the connection closes.
 */
export class FirstBytes {
  readonly #socket: Socket
  readonly #wheel: TimerWheel
  readonly #timer: WheelTimer
  readonly #taker: FirstBytesTaker
  readonly #mayBeHttp2: boolean
  /** The beginning of a preface that came in pieces. */
  #begun: Buffer | undefined

  constructor(
    socket: Socket,
    taker: FirstBytesTaker,
    options: { readonly wheel: TimerWheel; readonly timeoutMs: number; readonly mayBeHttp2: boolean },
  ) {
    this.#socket = socket
    this.#taker = taker
    this.#wheel = options.wheel
    this.#mayBeHttp2 = options.mayBeHttp2
    this.#timer = new WheelTimer(this.#giveUp)
    if (options.timeoutMs > 0) this.#wheel.arm(this.#timer, options.timeoutMs)
    socket.on('data', this.#onData)
    socket.on('end', this.#giveUp)
  }

  readonly #onData = (chunk: Buffer): void => {
    const first = this.#begun === undefined ? chunk : Buffer.concat([this.#begun, chunk])
    if (!this.#mayBeHttp2 || !beginsLikePreface(first)) {
      this.stop()
      this.#taker.http1(first)
    } else if (first.length < PREFACE.length) {
      this.#begun = first
    } else {
      this.stop()
      this.#socket.pause()
      this.#socket.unshift(first)
      this.#taker.http2()
    }
  }

  /** Silence, or an end in mid-preface: there is no request that could be answered. */
  readonly #giveUp = (): void => {
    this.#socket.destroy()
  }

  /** The connection has closed, or is handed on. */
  stop(): void {
    this.#wheel.cancel(this.#timer)
    this.#socket.off('data', this.#onData)
    this.#socket.off('end', this.#giveUp)
  }
}

function beginsLikePreface(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, PREFACE.length)
  return bytes.compare(PREFACE, 0, length, 0, length) === 0
}
