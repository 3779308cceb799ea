import { Refusal } from '../../core/refusals.ts'
import type { RequestHead } from '../exchange.ts'
import { joined } from '../fields.ts'
import { FIELD, knownField } from '../known-field.ts'
import { Http2Fields } from './http2-fields.ts'

export interface HeadBounds {
  /** Names and values and four bytes per field, as they would be in HTTP/1.1. */
  readonly headBytesMax: number
  readonly headersMax: number
}

/**
 * The head of an HTTP/2 request. What the session refuses does not come here: malformed and misplaced pseudo fields, names in
 * capitals, fields that belong to a connection, lengths that do not fit the data (RFC 9113, 8.1.1 to 8.3).
 */
export class Http2RequestHead implements RequestHead {
  readonly method: string
  readonly path: string
  readonly host: string
  readonly fields: Http2Fields
  readonly isGrpc: boolean
  readonly expectsContinue: boolean
  /** As declared; undefined where only the end tells. */
  readonly length: number | undefined
  /** Why the request is not taken; undefined if it is. */
  readonly refusal: Refusal | undefined

  /** @param flat names and values, pseudo fields first, as a session gives them. Becomes the head's own. */
  constructor(flat: string[], bounds: HeadBounds) {
    let method = ''
    let path = ''
    let authority: string | undefined
    let from = 0
    for (; from < flat.length && flat[from]!.charCodeAt(0) === COLON; from += 2) {
      const name = flat[from]
      if (name === ':method') method = flat[from + 1]!
      else if (name === ':path') path = flat[from + 1]!
      else if (name === ':authority') authority = flat[from + 1]!
    }
    let host: string | undefined
    let length: number | undefined
    let isGrpc = false
    let expectsContinue = false
    let cookies = 0
    let problem: string | undefined
    let bytes = method.length + path.length + (authority?.length ?? 0)
    for (let at = from; at < flat.length; at += 2) {
      const name = flat[at]!
      const value = flat[at + 1]!
      bytes += name.length + value.length + 4
      switch (knownField(name, 0, name.length)) {
        case FIELD.host:
          if (host !== undefined) problem = 'more than one host field'
          host = value
          break
        case FIELD.contentLength:
          length = Number(value)
          break
        case FIELD.expect:
          expectsContinue = value.toLowerCase() === '100-continue'
          break
        case FIELD.connection:
        case FIELD.upgrade:
        case FIELD.keepAlive:
        case FIELD.proxyConnection:
        case FIELD.transferEncoding:
          problem = `the field ${name}, which HTTP/2 does not have`
          break
        case FIELD.other:
          if (name === 'cookie') cookies += 1
          else if (name === 'content-type') isGrpc = value.startsWith(GRPC)
          break
        default:
      }
    }
    if (cookies > 1) joinCookies(flat, from)
    if (authority === undefined) authority = host ?? ''
    else if (host !== undefined && host.toLowerCase() !== authority.toLowerCase())
      problem = `:authority ${quoted(authority)} and host ${quoted(host)} differ`
    if (authority.includes('@')) problem = 'user information in :authority'
    this.method = method
    this.path = path
    this.host = authority
    this.fields = new Http2Fields(flat, from)
    this.isGrpc = isGrpc
    this.expectsContinue = expectsContinue
    this.length = length
    this.refusal = refusalOf({ problem, method, bytes, fields: (flat.length - from) >> 1 }, bounds)
  }

  get version(): '2' {
    return '2'
  }

  /** WebSocket over HTTP/2 (RFC 8441) is not offered. */
  get isWebSocket(): boolean {
    return false
  }

  /** HTTP/2 has no Connection field. */
  get listed(): undefined {
    return undefined
  }

  header(name: string): string | undefined {
    return joined(this.fields, name)
  }
}

const COLON = 0x3a
const GRPC = 'application/grpc'

function refusalOf(
  head: {
    readonly problem: string | undefined
    readonly method: string
    readonly bytes: number
    readonly fields: number
  },
  { headBytesMax, headersMax }: HeadBounds,
): Refusal | undefined {
  if (head.bytes > headBytesMax)
    return new Refusal('HEAD_TOO_LARGE', { detail: `${head.bytes} bytes, at most ${headBytesMax}` })
  if (head.fields > headersMax)
    return new Refusal('HEAD_TOO_LARGE', { detail: `${head.fields} fields, at most ${headersMax}` })
  if (head.problem !== undefined) return new Refusal('BAD_REQUEST', { detail: head.problem })
  if (head.method === 'CONNECT') return new Refusal('METHOD_REFUSED', { detail: 'CONNECT' })
  return undefined
}

/** One field again of what clients may send in crumbs: HTTP/1.1 knows one only (RFC 9113, 8.2.3). */
function joinCookies(flat: string[], from: number): void {
  let first = -1
  let kept = from
  for (let at = from; at < flat.length; at += 2) {
    const name = flat[at]!
    if (name === 'cookie' && first >= 0) {
      flat[first] += `; ${flat[at + 1]}`
      continue
    }
    if (name === 'cookie') first = kept + 1
    flat[kept] = name
    flat[kept + 1] = flat[at + 1]!
    kept += 2
  }
  flat.length = kept
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}
