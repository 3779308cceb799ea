import { connect, type Socket } from 'node:net'
import { percentile } from './figures.ts'

const REQUESTS_PER_SECOND = 500
const CONNECTIONS_MAX = 32

export interface Quiet {
  readonly requests: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly errors: number
}

interface Line {
  readonly socket: Socket
  /** When the request under way was due, ms; undefined: free. */
  dueMs: number | undefined
  unread: string
}

/**
 * Traffic of another service while one is held: requests at a fixed rate, whatever the answers do. Times count from when
 * a request was due, so that one that had to wait for a free connection says so. A connection is opened when one more is
 * needed: one that says nothing is let go by the gateway after headTimeoutMs, as it should be.
 */
export class UnrelatedTraffic implements Disposable {
  readonly #lines = new Set<Line>()
  readonly #port: number
  readonly #request: string
  readonly #bodyEnd: string
  readonly #timer: NodeJS.Timeout
  #waiting: number[] = []
  #timesMs: number[] = []
  #errors = 0
  #nextMs = performance.now()

  /** @param bodyEnd the last characters of each answer. */
  constructor(
    port: number,
    target: { readonly host: string; readonly path: string; readonly bodyEnd: string },
  ) {
    this.#request = `GET ${target.path} HTTP/1.1\r\nHost: ${target.host}\r\n\r\n`
    this.#bodyEnd = target.bodyEnd
    this.#port = port
    this.#timer = setInterval(() => this.#send(), 1)
  }

  /** What was seen since the last call. */
  take(): Quiet {
    const timesMs = this.#timesMs
    const errors = this.#errors
    this.#timesMs = []
    this.#errors = 0
    return {
      requests: timesMs.length,
      p50Ms: percentile(timesMs, 50),
      p99Ms: percentile(timesMs, 99),
      errors,
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    for (const { socket } of this.#lines) socket.removeAllListeners('close').destroy()
  }

  #open(): Line {
    const line: Line = {
      socket: connect({ port: this.#port, host: '127.0.0.1', noDelay: true }),
      dueMs: undefined,
      unread: '',
    }
    line.socket.on('data', (chunk: Buffer) => {
      line.unread += chunk.toString('latin1')
      if (line.dueMs === undefined || !line.unread.endsWith(this.#bodyEnd)) return
      if (!line.unread.startsWith('HTTP/1.1 200 ')) this.#errors += 1
      line.unread = ''
      this.#timesMs.push(performance.now() - line.dueMs)
      line.dueMs = undefined
      this.#send()
    })
    line.socket.on('error', () => line.socket.destroy())
    line.socket.on('close', () => {
      this.#lines.delete(line)
      if (line.dueMs !== undefined) this.#errors += 1
    })
    this.#lines.add(line)
    return line
  }

  #send(): void {
    const nowMs = performance.now()
    for (; this.#nextMs <= nowMs; this.#nextMs += 1000 / REQUESTS_PER_SECOND) this.#waiting.push(this.#nextMs)
    for (const line of this.#lines) {
      if (this.#waiting.length === 0) return
      if (line.dueMs === undefined) this.#ask(line)
    }
    while (this.#waiting.length > 0 && this.#lines.size < CONNECTIONS_MAX) this.#ask(this.#open())
  }

  #ask(line: Line): void {
    line.dueMs = this.#waiting.shift()
    line.socket.write(this.#request, 'latin1')
  }
}
