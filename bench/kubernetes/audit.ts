import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { z } from 'zod'

const eventSchema = z.object({
  verb: z.string(),
  user: z.object({ username: z.string() }),
  objectRef: z.object({ resource: z.string(), subresource: z.string().optional() }).optional(),
  responseStatus: z.object({ code: z.number() }).optional(),
})

/** Requests by what they were: `patch inferenceservices/status`. */
export type Calls = ReadonlyMap<string, number>

const READING = new Set(['get', 'list', 'watch'])

/** The API server's own account of what a service account asks of it, from one look to the next. */
export class Audit {
  readonly #file: string
  #offset = 0
  #rest = ''

  /** @param file events of audit.k8s.io/v1, one a line. */
  constructor(file: string) {
    this.#file = file
  }

  /** What was asked since the last call of this, by account (`pilotlight-controller`). */
  since(): ReadonlyMap<string, Calls> {
    const byAccount = new Map<string, Map<string, number>>()
    for (const line of this.#lines()) {
      const { verb, user, objectRef, responseStatus } = eventSchema.parse(JSON.parse(line))
      const account = user.username.replace(/^.*:/, '')
      const { resource = '(none)', subresource } = objectRef ?? {}
      const code = responseStatus?.code ?? 0
      const failed = code >= 400 ? ` (${code})` : ''
      const what = `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}${failed}`
      const calls = byAccount.get(account) ?? new Map<string, number>()
      calls.set(what, (calls.get(what) ?? 0) + 1)
      byAccount.set(account, calls)
    }
    return byAccount
  }

  #lines(): readonly string[] {
    if (!existsSync(this.#file)) return []
    const file = openSync(this.#file, 'r')
    try {
      const length = fstatSync(file).size - this.#offset
      const buffer = Buffer.alloc(length)
      readSync(file, buffer, 0, length, this.#offset)
      this.#offset += length
      const lines = (this.#rest + buffer.toString('utf8')).split('\n')
      // The last one may be half written.
      this.#rest = lines.pop() ?? ''
      return lines
    } finally {
      closeSync(file)
    }
  }
}

export function isWrite(what: string): boolean {
  return !READING.has(what.split(' ')[0] ?? '')
}

export function isLease(what: string): boolean {
  return what.includes(' leases')
}

/** How many there were of those that fit. */
export function count(calls: Calls | undefined, fits: (what: string) => boolean): number {
  return [...(calls ?? [])].reduce((sum, [what, times]) => sum + (fits(what) ? times : 0), 0)
}
