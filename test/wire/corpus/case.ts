import type { RefusalCode } from '../../../src/core/refusals.ts'
import { HOST } from '../../support/gateway-harness.ts'
import { bytes } from '../talk.ts'

/** What the replica must have read of one request. Fields not named may be anything. */
export interface Expected {
  readonly method?: string
  readonly path?: string
  readonly body?: string
  /** Lower-case names: the whole value, or undefined for a field that must not be there. */
  readonly fields?: Readonly<Record<string, string | undefined>>
  readonly trailers?: Readonly<Record<string, string | undefined>>
}

/**
 * What has to come of a message:
 * - `refused`: the answer is this refusal, the connection closes, the replica saw nothing of it
 * - `cut`: its head is sound and its body is not: 400 or no answer at all, the connection closes, and the replica never
 *   gets a whole request
 * - `passed`: the replica reads exactly these requests, and every one is answered
 * - `inert`: passed, but what the message smuggles is gone; or refused. Both are safe.
 */
export type Outcome =
  | { readonly is: 'refused'; readonly code: RefusalCode }
  | { readonly is: 'cut' }
  | { readonly is: 'passed'; readonly requests: readonly Expected[] }
  | { readonly is: 'inert'; readonly request: Expected }

export interface RequestCase {
  readonly name: string
  readonly message: Buffer
  readonly outcome: Outcome
  /** Why, with the section of the standard. */
  readonly reason: string
  /** Sound requests that the message begins with: they are answered before the rest is refused. */
  readonly before: number
  /** Methods of the requests that are answered, where one is not GET-like in how its answer is framed. */
  readonly methods: readonly string[]
}

type Row = readonly [name: string, message: string, reason: string]
interface More {
  readonly code?: RefusalCode
  readonly before?: number
}

/** Heads (and what else is seen at once) that are answered with a refusal: 400 BAD_REQUEST where no code is named. */
export function refused(rows: readonly Row[], more: More = {}): RequestCase[] {
  const outcome: Outcome = { is: 'refused', code: more.code ?? 'BAD_REQUEST' }
  return rows.map((row) => makeCase(row, outcome, more.before))
}

/** Bodies that break off where the standard does. */
export function cut(rows: readonly Row[], more: More = {}): RequestCase[] {
  return rows.map((row) => makeCase(row, { is: 'cut' }, more.before))
}

/** Messages that look odd and are sound. */
export function passed(
  rows: readonly (readonly [...Row, requests: Expected | readonly Expected[]])[],
): RequestCase[] {
  return rows.map(([name, message, reason, expected]) => {
    const requests = 'length' in expected ? expected : [expected]
    return makeCase([name, message, reason], { is: 'passed', requests })
  })
}

/** Messages that may pass without their sting. */
export function inert(rows: readonly (readonly [...Row, request: Expected])[]): RequestCase[] {
  return rows.map(([name, message, reason, request]) =>
    makeCase([name, message, reason], { is: 'inert', request }),
  )
}

function makeCase([name, message, reason]: Row, outcome: Outcome, before = 0): RequestCase {
  const first = message.trimStart().split(' ', 1)[0] ?? ''
  return { name, message: bytes(message), outcome, reason, before, methods: [first] }
}

/** A request line and Host, then these lines; each of `lines` brings its own line end, the empty line is added. */
export const head = (start: string, lines = ''): string => `${start}\r\nHost: ${HOST}\r\n${lines}\r\n`
/** A POST with these fields and what follows the empty line. */
export const posted = (lines: string, body: string): string => head('POST /x HTTP/1.1', lines) + body
/** A chunked POST: what follows the head. */
export const chunked = (body: string): string => posted('Transfer-Encoding: chunked\r\n', body)
export const got = (lines: string): string => head('GET /x HTTP/1.1', lines)
