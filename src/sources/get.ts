import { Agent, request, type Dispatcher } from 'undici'
import type { Clock } from '../core/clock.ts'
import { Deadline } from '../core/deadline.ts'

/** Why a source has no answer: a word, and a sentence with the URL. */
export class SourceError extends Error {
  override readonly name = 'SourceError'
  /** `refused`, `timeout`, `status 404`, `too large`. */
  readonly reason: string

  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

export interface Answer {
  readonly body: Buffer
  readonly contentType: string | undefined
}

export interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Sent by POST as a form, in place of a GET. */
  readonly form?: URLSearchParams
  /** Statuses whose body counts besides 200. */
  readonly accept?: readonly number[]
}

export interface AskerOptions {
  readonly clock: Clock
  /** From the request to the last byte of the answer. */
  readonly timeoutMs: number
  readonly bodyBytesMax?: number
  /** Whether certificates are checked. */
  readonly verify: boolean
  /** PEM; default: the CAs that Node brings. */
  readonly ca?: string
  /** Ends all. */
  readonly signal: AbortSignal
}

const BODY_BYTES_MAX = 8 * 1024 * 1024
/** Over all servers: the others wait, first come, first served. */
const AT_ONCE_MAX = 64

/** Asks servers over HTTP, with bounds on everything: they may be slow, endless, or something else. */
export class Asker implements AsyncDisposable {
  readonly #options: AskerOptions
  readonly #agent: Agent
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(options: AskerOptions) {
    this.#options = options
    const { verify, ca, timeoutMs } = options
    this.#agent = new Agent({
      connect: { rejectUnauthorized: verify, timeout: timeoutMs, ...(ca === undefined ? {} : { ca }) },
      connections: 4,
      pipelining: 1,
      keepAliveTimeout: 30_000,
    })
  }

  /** @throws SourceError */
  async ask(url: string, options: AskOptions = {}): Promise<Answer> {
    await this.#turn()
    try {
      return await this.#ask(url, options)
    } finally {
      this.#running -= 1
      this.#waiting.shift()?.()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy()
  }

  async #turn(): Promise<void> {
    if (this.#running >= AT_ONCE_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#running += 1
  }

  async #ask(url: string, { headers = {}, form, accept = [] }: AskOptions): Promise<Answer> {
    const { clock, timeoutMs, signal } = this.#options
    using deadline = new Deadline(clock, signal)
    deadline.within(timeoutMs)
    try {
      const answer = await request(url, {
        dispatcher: this.#agent,
        signal: deadline.signal,
        headers: {
          ...headers,
          ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        ...(form === undefined ? {} : { method: 'POST', body: form.toString() }),
      })
      const { statusCode } = answer
      if (statusCode !== 200 && !accept.includes(statusCode)) {
        // It reports that it was cut off as an error.
        answer.body.on('error', () => {}).destroy()
        throw new SourceError(`status ${statusCode}`, `${url} answers ${statusCode}`)
      }
      const contentType = answer.headers['content-type']
      return {
        body: await this.#bodyOf(answer, url),
        contentType: typeof contentType === 'string' ? contentType : undefined,
      }
    } catch (error) {
      if (error instanceof SourceError) throw error
      if (deadline.isOver) throw new SourceError('timeout', `${url}: no answer within ${timeoutMs} ms`)
      throw new SourceError(...reasonOf(error, url))
    }
  }

  async #bodyOf({ body }: Dispatcher.ResponseData, url: string): Promise<Buffer> {
    const { bodyBytesMax = BODY_BYTES_MAX } = this.#options
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of body) {
      if (!(chunk instanceof Uint8Array)) continue
      length += chunk.length
      if (length > bodyBytesMax) {
        body.destroy()
        throw new SourceError('too large', `${url} answers more than ${bodyBytesMax} bytes`)
      }
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }
}

function reasonOf(error: unknown, url: string): [reason: string, message: string] {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ECONNREFUSED') return ['refused', `${url}: connection refused`]
  const message = error instanceof Error ? error.message : String(error)
  return ['no answer', `${url}: ${message || code || 'no answer'}`]
}
