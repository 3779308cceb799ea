import { createHash } from 'node:crypto'
import type { Message, Pair } from '../http-reader.ts'

/** A message as plain text that can be compared: what may differ on purpose is left out. */
export interface Normal {
  readonly start: string
  readonly fields: readonly string[]
  readonly framing: string
  readonly body: string
  readonly trailers: readonly string[]
}

interface Allowed {
  readonly in: 'requests' | 'answers' | 'both'
  readonly fields: readonly string[]
  /** What of the values is compared; by default nothing. */
  readonly as?: (values: readonly string[]) => string
  readonly reason: string
}

/** Where the gateway's own path and the simple one differ on purpose. Every other difference is a fault of one of them. */
export const ALLOWED: readonly Allowed[] = [
  { in: 'both', fields: ['date'], reason: 'each has its own clock' },
  {
    in: 'both',
    fields: ['connection', 'keep-alive'],
    reason: 'speaks of one connection; both paths manage their own',
  },
  { in: 'both', fields: ['content-length', 'transfer-encoding'], reason: 'compared as framing' },
  { in: 'both', fields: ['via'], reason: 'the simple path writes none (RFC 9110, 7.6.3 asks for one)' },
  {
    in: 'requests',
    fields: ['trailer'],
    reason: 'only foretells; the simple path loses it for DELETE and OPTIONS',
  },
  {
    in: 'requests',
    fields: ['cookie'],
    as: (values) => values.join('; '),
    reason: 'the simple path joins them, as RFC 6265, 5.4 has it; the own one passes them on as sent',
  },
  {
    in: 'both',
    fields: ['x-request-id', 'traceparent'],
    reason: 'made by chance where the client sent none that is sound',
  },
]

export function normalRequest(message: Message, isEarly: boolean): Normal {
  const normal = normalise(message, 'requests', message.start.slice(0, 2).join(' '))
  // How much of a body is sent after its answer is a matter of timing.
  return isEarly ? { ...normal, framing: '', body: '', trailers: [] } : normal
}

export function normalAnswer(message: Message, method: string): Normal {
  const [, status, reason] = message.start
  const interim = message.interim.filter((one) => one !== 100)
  const normal = normalise(message, 'answers', [...interim, status, asSent(reason)].join(' '))
  return method === 'HEAD' ? { ...normal, framing: '' } : normal
}

function normalise(message: Message, side: 'requests' | 'answers', start: string): Normal {
  const content = Buffer.concat(message.parts)
  return {
    start,
    fields: listed(message.fields, side),
    framing: content.length === 0 && message.framing !== 'close' ? 'none' : message.framing,
    body: `${content.length} bytes ${createHash('sha1').update(content).digest('hex')}`,
    trailers: listed(message.trailers, side),
  }
}

/** By lower-case name; the values of one name stay in order. */
function listed(pairs: readonly Pair[], side: 'requests' | 'answers'): string[] {
  const byName = new Map<string, string[]>()
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase()
    byName.set(lower, [...(byName.get(lower) ?? []), side === 'answers' ? asSent(value) : value])
  }
  return [...byName]
    .flatMap(([name, values]) => {
      const allowed = ALLOWED.find(
        (one) => (one.in === 'both' || one.in === side) && one.fields.includes(name),
      )
      if (allowed === undefined) return [`${name}: ${values.join(', ')}`]
      return allowed.as === undefined ? [] : [`${name}: ${allowed.as(values)}`]
    })
    .sort()
}

/** The simple path writes heads of answers as UTF-8, which turns one byte beyond ASCII into two: undone here. */
function asSent(text: string): string {
  const decoded = Buffer.from(text, 'latin1').toString('utf8')
  return decoded.includes('\ufffd') ? text : decoded
}
