import type { Dispatcher } from 'undici'
import type { Clock } from '../../core/clock.ts'
import { ApiError } from './api-error.ts'
import type { Connection } from './connection.ts'
import { Deadline } from '../../core/deadline.ts'

const JSON_TYPE = 'application/json'
/** An API server that asks to come later (429 with Retry-After) did nothing yet, so that trying again is safe. */
const LATER_MAX = 2
const LATER_LONGEST_MS = 5_000

export interface RawOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined
  /** Sent as JSON. */
  readonly body?: unknown
  /** Default `application/json`. */
  readonly contentType?: string
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number
  /** Told each `Warning` of the answer: an unknown field, a policy that warns. Source: RFC 7234 5.5, code 299. */
  readonly onWarning?: ((message: string) => void) | undefined
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One request and its answer, in time, with the credentials of the moment. */
export class Transport {
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #userAgent: string
  readonly #timeoutMs: number

  constructor(
    connection: Connection,
    options: { readonly clock: Clock; readonly userAgent: string; readonly timeoutMs: number },
  ) {
    this.#connection = connection
    this.#clock = options.clock
    this.#userAgent = options.userAgent
    this.#timeoutMs = options.timeoutMs
  }

  /**
   * The body of a good answer, after at most two waits that the API server asked for, and once more with credentials
   * asked again. Nothing else is tried again: what a request that broke off has done is for its caller to look up.
   */
  async text(method: Method, path: string, options: RawOptions): Promise<string> {
    const what = `${method} ${path}`
    let credentialsAskedAgain = false
    for (let later = 0; ;) {
      const error = await this.#once(what, method, path, options)
      if (typeof error === 'string') return error
      if (error.status === 401 && !credentialsAskedAgain) {
        credentialsAskedAgain = true
        this.#connection.refused()
      } else if (error.status === 429 && error.retryAfterMs !== undefined && later < LATER_MAX) {
        later += 1
        await this.#clock.sleep(Math.min(error.retryAfterMs, LATER_LONGEST_MS), options.signal)
      } else throw error
    }
  }

  /** The body of a good answer, or the error that the API server answered. @throws ApiError when it did not answer. */
  async #once(what: string, method: Method, path: string, options: RawOptions): Promise<string | ApiError> {
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs
    using deadline = new Deadline(this.#clock, options.signal)
    deadline.within(timeoutMs)
    try {
      const answer = await this.open('requests', method, path, { ...options, signal: deadline.signal })
      if (answer.statusCode < 200 || answer.statusCode > 299) return await refusalOf(what, answer)
      if (options.onWarning !== undefined) warningsOf(answer).forEach(options.onWarning)
      return await answer.body.text()
    } catch (error) {
      options.signal?.throwIfAborted()
      if (!deadline.isOver) throw asApiError(what, error)
      throw new ApiError(`${what}: no answer within ${timeoutMs} ms`, { status: 0, reason: 'Timeout' })
    }
  }

  /** The answer, whatever its status, with its body still to come. */
  async open(
    use: 'requests' | 'watches',
    method: Method,
    path: string,
    { query, body, contentType, signal }: RawOptions & { readonly signal: AbortSignal },
  ): Promise<Dispatcher.ResponseData> {
    // An exec plugin may hang, and must not outlive the request's bound.
    const access = await orAborted(this.#connection.access(), signal)
    return access[use].request({
      origin: this.#connection.origin,
      path: `${this.#connection.prefix}${path}${queryOf(query)}`,
      method,
      headers: {
        ...access.headers,
        accept: JSON_TYPE,
        'user-agent': this.#userAgent,
        ...(body === undefined ? {} : { 'content-type': contentType ?? JSON_TYPE }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    })
  }
}

function queryOf(query: RawOptions['query']): string {
  const given = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name}=${encodeURIComponent(value)}`],
  )
  return given.length === 0 ? '' : `?${given.join('&')}`
}

/** `299 - "unknown field \"spec.x\""`, several in one header or in several. */
function warningsOf({ headers }: Dispatcher.ResponseData): readonly string[] {
  return [headers['warning'] ?? []]
    .flat()
    .flatMap((header) => [...header.matchAll(/\b\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)])
    .map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'))
}

export async function refusalOf(what: string, answer: Dispatcher.ResponseData): Promise<ApiError> {
  const retryAfter = answer.headers['retry-after']
  return ApiError.fromAnswer(
    what,
    answer.statusCode,
    await answer.body.text(),
    typeof retryAfter === 'string' ? retryAfter : undefined,
  )
}

export function asApiError(what: string, error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const why = error instanceof Error ? error.message || error.name : String(error)
  return new ApiError(`${what}: ${why}`, { status: 0, reason: 'Unreachable', cause: error })
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
