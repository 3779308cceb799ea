import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { Refusal } from '../../core/refusals.ts'
import { refusalAnswer } from '../refusal-answer.ts'
import { WheelTimer, type TimerWheel } from '../timer-wheel.ts'
import { FirstBytes } from './first-bytes.ts'

/** How long a connection that is one too many may take to ask and to read its answer. */
const FAREWELL_MS = 2_000
/** How many get an answer at one time: they are open files too. */
const FAREWELLS_MAX = 128

const refusal = new Refusal('CONNECTION_LIMIT', { retryAfterSeconds: 1 })

/** The whole answer in HTTP/1.1, the same for everyone. */
const ANSWER = ((): Buffer => {
  const { fields, body } = refusalAnswer(refusal)
  let head = `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\nconnection: close\r\n`
  for (let at = 0; at + 1 < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`
  return Buffer.concat([Buffer.from(`${head}\r\n`), body])
})()

/** Tells connections beyond the limit to come back later, as far as that is possible at little cost. */
export class OverLimit {
  readonly #wheel: TimerWheel
  readonly #onAnswered: (refusal: Refusal) => void
  readonly #open = new Set<Socket>()

  constructor(wheel: TimerWheel, onAnswered: (refusal: Refusal) => void) {
    this.#wheel = wheel
    this.#onAnswered = onAnswered
  }

  /** Answers what an HTTP/1.1 client asks first, whatever it is, and closes; a client of HTTP/2 is just cut. */
  refuse(socket: Socket): void {
    if (this.#open.size >= FAREWELLS_MAX) {
      socket.destroy()
      return
    }
    const timer = new WheelTimer(() => socket.destroy())
    this.#wheel.arm(timer, FAREWELL_MS)
    this.#open.add(socket)
    const taker = {
      http1: (): void => {
        // Read on and thrown away: closing with bytes unread would reset the connection before the answer is read.
        socket.resume()
        socket.end(ANSWER)
        this.#onAnswered(refusal)
      },
      http2: (): void => void socket.destroy(),
    }
    // The time for all of it bounds the silence at its beginning too.
    void new FirstBytes(socket, taker, { wheel: this.#wheel, timeoutMs: 0, mayBeHttp2: true })
    socket.on('close', () => {
      this.#wheel.cancel(timer)
      this.#open.delete(socket)
    })
  }

  close(): void {
    for (const socket of this.#open) socket.destroy()
  }
}
