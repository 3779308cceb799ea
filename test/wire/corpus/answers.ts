import type { Answer } from '../recording-replica.ts'
import { bytes } from '../talk.ts'

/**
 * What has to come of an answer:
 * - `refused`: the client hears 502 and nothing of it
 * - `broken`: 502, or an answer that no client can take for whole
 * - `passed`: the client hears this
 *
 * In each case the next request is answered with its own answer.
 */
export type AnswerOutcome =
  | { readonly is: 'refused'; readonly code: 'UPSTREAM_INVALID' | 'UPSTREAM_RESET' }
  | { readonly is: 'broken' }
  | {
      readonly is: 'passed'
      readonly status: number
      readonly body: string
      readonly fields: Readonly<Record<string, string | undefined>>
    }

export interface AnswerCase {
  readonly name: string
  readonly answer: Answer
  readonly outcome: AnswerOutcome
  readonly reason: string
  readonly method: string
  readonly version: '1.0' | '1.1'
}

type Row = readonly [name: string, answer: string, reason: string]
interface More {
  readonly after?: 'keep' | 'end' | 'reset'
  readonly method?: string
  readonly version?: '1.0' | '1.1'
}

function makeCase([name, answer, reason]: Row, outcome: AnswerOutcome, more: More): AnswerCase {
  const { after = 'keep', method = 'GET', version = '1.1' } = more
  return { name, answer: { pieces: [bytes(answer)], after }, outcome, reason, method, version }
}

export function invalid(rows: readonly Row[], more: More = {}): AnswerCase[] {
  return rows.map((row) => makeCase(row, { is: 'refused', code: 'UPSTREAM_INVALID' }, more))
}

export function gone(rows: readonly Row[], more: More = {}): AnswerCase[] {
  return rows.map((row) => makeCase(row, { is: 'refused', code: 'UPSTREAM_RESET' }, more))
}

export function broken(rows: readonly Row[], more: More = {}): AnswerCase[] {
  return rows.map((row) => makeCase(row, { is: 'broken' }, more))
}

type Heard = Partial<Omit<Extract<AnswerOutcome, { is: 'passed' }>, 'is'>>

export function heard(rows: readonly (readonly [...Row, heard: Heard])[], more: More = {}): AnswerCase[] {
  return rows.map(([name, answer, reason, { status = 200, body = 'ok', fields = {} }]) =>
    makeCase([name, answer, reason], { is: 'passed', status, body, fields }, more),
  )
}

/** An answer with these lines and what follows the empty line. */
export const answered = (lines: string, body = '', start = 'HTTP/1.1 200 OK'): string =>
  `${start}\r\n${lines}\r\n${body}`
export const counted = (lines: string, start?: string): string =>
  answered(`Content-Length: 2\r\n${lines}`, 'ok', start)
export const chunks = (body: string): string => answered('Transfer-Encoding: chunked\r\n', body)
