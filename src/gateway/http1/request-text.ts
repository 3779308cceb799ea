import type { Exchange } from '../exchange.ts'
import { valueOf } from '../fields.ts'
import { FIELD } from '../known-field.ts'
import { maskOf } from '../pass-on.ts'
import type { Onward } from '../upstream.ts'
import type { Framing } from './outgoing.ts'
import { fieldsText } from './text-fields.ts'

const LENGTH = maskOf(FIELD.contentLength)
const TRAILER = maskOf(FIELD.trailer)

/** The head of a request as a replica gets it, and how its body is framed. */
export function requestText({ head, body }: Exchange, onward: Onward): { text: string; framing: Framing } {
  const framing = framingOf(body.length, head.isWebSocket)
  const dropped = onward.added.dropped | (framing === 'chunked' ? LENGTH : TRAILER)
  let text = `${head.method} ${onward.path} HTTP/1.1\r\n`
  // HTTP/2 and HTTP/1.0 clients may have none.
  if (valueOf(head.fields, FIELD.host) === undefined)
    text += `host: ${head.host === '' ? hostPort(onward) : head.host}\r\n`
  text += fieldsText(head.fields, dropped, head.listed)
  text += onward.added.text
  if (framing === 'chunked') text += 'transfer-encoding: chunked\r\n'
  if (valueOf(head.fields, FIELD.te) !== undefined && takesTrailers(head.header('te')))
    text += 'te: trailers\r\nconnection: te\r\n'
  if (head.isWebSocket) text += 'connection: Upgrade\r\nupgrade: websocket\r\n'
  return { text: `${text}\r\n`, framing }
}

function framingOf(length: number | undefined, isWebSocket: boolean): Framing {
  if (isWebSocket) return 'close'
  if (length === undefined) return 'chunked'
  return length === 0 ? 'none' : 'length'
}

function hostPort({ address: { host, port } }: Onward): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function takesTrailers(te: string | undefined): boolean {
  return te !== undefined && /(?:^|,)\s*trailers\s*(?:,|$)/i.test(te)
}
