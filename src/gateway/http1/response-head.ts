import type { ReplyHead } from '../exchange.ts'
import { FIELD } from '../known-field.ts'
import { listedNames } from '../pass-on.ts'
import { ParseError } from './llhttp.ts'
import type { RawHead } from './message-parser.ts'
import { saysChunked, type TextFields } from './text-fields.ts'

/**
 * How the body of a replica's answer ends: known bytes, the last chunk, or the end of the connection.
 * Source: RFC 9112, 6.3.
 */
export type BodyEnd = 'none' | 'length' | 'chunked' | 'close'

/** The head of a replica's answer that says one thing only. */
export class Http1ResponseHead {
  readonly status: number
  readonly reason: string
  readonly fields: TextFields
  readonly bodyEnd: BodyEnd
  /** Of the body that follows; undefined where only its end tells. */
  readonly length: number | undefined
  readonly keepAlive: boolean
  readonly listed: ReadonlySet<string> | undefined

  /**
   * @param method of the request that it answers.
   * @throws ParseError for what two readers could understand differently.
   */
  constructor(raw: RawHead, method: string) {
    const { fields, status } = raw
    if (!fields.text.startsWith('HTTP/1.')) throw new ParseError('something before the status line')
    if (status < 100 || status > 599) throw new ParseError(`status ${status}`)
    let length: number | undefined
    let transferEncoding: string | undefined
    let connection: string | undefined
    for (let at = 0; at < fields.count; at++) {
      switch (fields.kind(at)) {
        case FIELD.contentLength: {
          const value = fields.value(at)
          if (length !== undefined || !/^\d{1,15}$/.test(value))
            throw new ParseError(`Content-Length ${value}`)
          length = Number(value)
          break
        }
        case FIELD.transferEncoding:
          if (transferEncoding !== undefined) throw new ParseError('more than one Transfer-Encoding')
          transferEncoding = fields.value(at).toLowerCase()
          break
        case FIELD.connection:
          connection = connection === undefined ? fields.value(at) : `${connection}, ${fields.value(at)}`
          break
        default:
      }
    }
    if (transferEncoding !== undefined && transferEncoding !== 'chunked')
      throw new ParseError(`Transfer-Encoding ${transferEncoding}`)
    if (transferEncoding !== undefined && raw.version === 10)
      throw new ParseError('Transfer-Encoding in HTTP/1.0')
    if (transferEncoding !== undefined && length !== undefined)
      throw new ParseError('both Content-Length and Transfer-Encoding')
    this.status = status
    this.reason = REASON.test(raw.reason) ? raw.reason : ''
    this.fields = fields
    this.listed = listedNames(connection)
    this.bodyEnd = bodyEnd(status, method, transferEncoding !== undefined, length)
    this.length = this.bodyEnd === 'length' ? length : this.bodyEnd === 'none' ? 0 : undefined
    this.keepAlive = raw.keepAlive && this.bodyEnd !== 'close'
  }
}

/** Whether a raw head is followed by chunks, asked while llhttp reads. */
export function isChunkedAnswer(raw: RawHead, method: string): boolean {
  return !hasNoBody(raw.status, method) && saysChunked(raw.fields)
}

/** Visible characters, blanks and obs-text: what may stand in a status line. */
const REASON = /^[\t -~\x80-\xff]*$/

function bodyEnd(status: number, method: string, isChunked: boolean, length: number | undefined): BodyEnd {
  if (hasNoBody(status, method)) return 'none'
  if (isChunked) return 'chunked'
  if (length === undefined) return 'close'
  return length === 0 ? 'none' : 'length'
}

function hasNoBody(status: number, method: string): boolean {
  return status < 200 || status === 204 || status === 304 || method === 'HEAD'
}

/** What is passed on of it. */
export function replyHead(head: Http1ResponseHead, ours: readonly string[]): ReplyHead {
  const { status, reason, fields, listed, length } = head
  return { status, reason, fields, listed, ours, length }
}
