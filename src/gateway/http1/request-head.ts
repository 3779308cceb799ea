import { Refusal } from '../../core/refusals.ts'
import type { RequestHead } from '../exchange.ts'
import { joined } from '../fields.ts'
import { FIELD } from '../known-field.ts'
import { listedNames } from '../pass-on.ts'
import { HeadTooLarge, type RawHead } from './message-parser.ts'
import { saysChunked, type TextFields } from './text-fields.ts'

/**
 * The head of an HTTP/1.1 request that says one thing only. What llhttp lets pass and two servers could read differently
 * is refused here. Source: RFC 9112, 2 to 7 and 11.
 */
export class Http1RequestHead implements RequestHead {
  readonly version: '1.0' | '1.1'
  readonly method: string
  readonly path: string
  readonly host: string
  readonly fields: TextFields
  readonly isWebSocket: boolean
  readonly isGrpc: boolean = false
  /** Bytes of the body; undefined if it is chunked. */
  readonly length: number | undefined
  readonly isChunked: boolean
  /** The client keeps the connection. */
  readonly keepAlive: boolean
  readonly expectsContinue: boolean
  /** Names that Connection lists; they are not passed on. */
  readonly listed: ReadonlySet<string> | undefined

  /** @throws Refusal BAD_REQUEST that says what is wrong. */
  constructor(raw: RawHead) {
    const { fields, method, version } = raw
    this.method = method
    this.fields = fields
    if (version !== 11 && version !== 10) throw bad(`version HTTP/${(version / 10).toFixed(1)}`)
    this.version = version === 11 ? '1.1' : '1.0'
    const target = requestTarget(raw)
    const found = lookThrough(fields)
    const { length, transferEncoding, connection, upgrade } = found
    if (transferEncoding !== undefined) {
      if (transferEncoding.toLowerCase() !== 'chunked')
        throw bad(`Transfer-Encoding ${quoted(transferEncoding)}`)
      if (length !== undefined) throw bad('both Content-Length and Transfer-Encoding')
      if (version === 10) throw bad('Transfer-Encoding in HTTP/1.0')
    }
    this.isChunked = transferEncoding !== undefined
    this.length = this.isChunked ? undefined : (length ?? 0)
    const { authority, path } = splitTarget(target, method)
    this.path = path
    this.host = hostOf(found.host, authority, version)
    const options = connection?.toLowerCase()
    this.keepAlive =
      version === 11
        ? !hasOption(options, 'close')
        : hasOption(options, 'keep-alive') && !hasOption(options, 'close')
    this.listed = listedNames(connection)
    this.isWebSocket =
      upgrade !== undefined &&
      version === 11 &&
      method === 'GET' &&
      upgrade.toLowerCase() === 'websocket' &&
      hasOption(options, 'upgrade') &&
      this.length === 0
    this.expectsContinue = version === 11 && found.expect?.toLowerCase() === '100-continue'
  }

  header(name: string): string | undefined {
    return joined(this.fields, name)
  }
}

interface Found {
  host: string | undefined
  length: number | undefined
  transferEncoding: string | undefined
  connection: string | undefined
  upgrade: string | undefined
  expect: string | undefined
}

/** One pass over the fields for those that frame and route a request. */
function lookThrough(fields: TextFields): Found {
  const found: Found = {
    host: undefined,
    length: undefined,
    transferEncoding: undefined,
    connection: undefined,
    upgrade: undefined,
    expect: undefined,
  }
  const { count } = fields
  for (let at = 0; at < count; at++) {
    switch (fields.kind(at)) {
      case FIELD.host:
        if (found.host !== undefined) throw bad('more than one Host header')
        found.host = fields.value(at)
        break
      case FIELD.contentLength:
        if (found.length !== undefined) throw bad('more than one Content-Length')
        found.length = contentLength(fields.value(at))
        break
      case FIELD.transferEncoding:
        if (found.transferEncoding !== undefined) throw bad('more than one Transfer-Encoding')
        found.transferEncoding = fields.value(at)
        break
      case FIELD.connection:
        found.connection = appended(found.connection, fields.value(at))
        break
      case FIELD.upgrade:
        found.upgrade = appended(found.upgrade, fields.value(at))
        break
      case FIELD.expect:
        found.expect = fields.value(at)
        break
      default:
    }
  }
  return found
}

function appended(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`
}

const DIGITS = /^\d{1,16}$/

/** @throws Refusal BAD_REQUEST for what is no plain number of bytes, or more than 2^53. */
function contentLength(value: string): number {
  const length = DIGITS.test(value) ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(length)) throw bad(`Content-Length ${quoted(value)}`)
  return length
}

/**
 * Visible ASCII; a fragment is never sent (RFC 9112, 3.2), and a backslash is a slash to some.
 */
const TARGET = /^[!"$-[\]-~]+$/

/** The target, once the request line is written as RFC 9112, 3 has it: one space each, nothing before but one empty line. */
function requestTarget({ fields: { text }, method, targetStart, targetEnd, version }: RawHead): string {
  const start = text.startsWith('\r\n') ? 2 : 0
  const line = version === 11 ? ' HTTP/1.1\r\n' : ' HTTP/1.0\r\n'
  if (
    !text.startsWith(method, start) ||
    targetStart !== start + method.length + 1 ||
    !text.startsWith(line, targetEnd)
  )
    throw bad('the request line has more or other than one space between its parts')
  const target = text.slice(targetStart, targetEnd)
  if (!TARGET.test(target)) throw bad(`target ${quoted(target)}`)
  return target
}

const ABSOLUTE = /^https?:\/\/([^/?]+)(.*)$/i

function splitTarget(target: string, method: string): { authority: string | undefined; path: string } {
  if (target.charCodeAt(0) === SLASH) return { authority: undefined, path: target }
  if (method === 'CONNECT') return { authority: undefined, path: target }
  if (target === '*' && method === 'OPTIONS') return { authority: undefined, path: target }
  // To a proxy a client writes the whole URL (RFC 9112, 3.2.2).
  const absolute = ABSOLUTE.exec(target)
  if (absolute === null) throw bad(`target ${quoted(target)}`)
  const rest = absolute[2]!
  return { authority: absolute[1], path: rest.startsWith('/') ? rest : `/${rest}` }
}

const SLASH = 0x2f

/** Registered name, IPv4 or bracketed IPv6, and a port. Source: RFC 3986, 3.2. */
const HOST = /^(?:\[[\da-fA-F:.]+\]|[\w.~!$&'()*+;=%-]+)(?::\d{0,5})?$/

export function isHost(host: string): boolean {
  return HOST.test(host) && !(host.lastIndexOf(':') >= 0 && portOf(host) > 65_535)
}

/** The digits at the end of a host that has a colon; an IPv6 address without a port has none that matter. */
function portOf(host: string): number {
  return host.endsWith(']') ? 0 : Number(host.slice(host.lastIndexOf(':') + 1))
}

function hostOf(host: string | undefined, authority: string | undefined, version: number): string {
  if (host === undefined && version === 11) throw bad('no Host header')
  if (host !== undefined && !isHost(host)) throw bad(`Host ${quoted(host)}`)
  if (authority === undefined) return host ?? ''
  if (!isHost(authority)) throw bad(`target with the authority ${quoted(authority)}`)
  if (host !== undefined && host.toLowerCase() !== authority.toLowerCase())
    throw bad(`target for ${quoted(authority)} and Host ${quoted(host)}`)
  return authority
}

/** Whether a lower-case list has an option. */
export function hasOption(list: string | undefined, option: string): boolean {
  if (list === undefined) return false
  if (list === option) return true
  return list.includes(option) && list.split(',').some((one) => one.trim() === option)
}

function bad(detail: string): Refusal {
  return new Refusal('BAD_REQUEST', { detail })
}

/** As JSON, cut: an answer does not grow with what was sent. */
function quoted(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}...` : value)
}

/** Whether a raw head is followed by chunks, asked while llhttp reads. */
export function isChunkedRequest(raw: RawHead): boolean {
  return saysChunked(raw.fields)
}

/** What went wrong while a request was read, as what the client is told. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const detail = error instanceof Error ? error.message : String(error)
  if (error instanceof HeadTooLarge) return new Refusal('HEAD_TOO_LARGE', { detail })
  return new Refusal('BAD_REQUEST', { detail, cause: error })
}
