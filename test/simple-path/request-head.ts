import type { IncomingMessage } from 'node:http'
import type { RequestHead } from '../../router/index.ts'
import { Refusal } from '../../src/core/refusals.ts'

/**
 * What routing looks at.
 * @throws Refusal BAD_REQUEST where the host is missing or not one (RFC 9112, 3.2).
 */
export function headOf(request: IncomingMessage): RequestHead & { readonly method: string } {
  const hosts = request.headersDistinct['host'] ?? []
  if (hosts.length > 1) throw new Refusal('BAD_REQUEST', { detail: 'more than one Host header' })
  if (hosts.length === 0 && request.httpVersion !== '1.0')
    throw new Refusal('BAD_REQUEST', { detail: 'no Host header' })
  const header = (name: string): string | undefined => request.headersDistinct[name]?.join(', ')
  const method = request.method ?? ''
  const target = request.url ?? '/'
  // To a proxy a client writes the whole URL, whose host then counts (RFC 9112, 3.2.2).
  const absolute = /^https?:\/\/([^/?#]+)(.*)$/i.exec(target)
  if (absolute === null) return { method, host: hosts[0] ?? '', path: target, header }
  const rest = absolute[2]!
  return { method, host: absolute[1]!, path: rest.startsWith('/') ? rest : `/${rest}`, header }
}
