import type { Refusal } from '../core/refusals.ts'

/** A refusal as HTTP says it: names and values of fields, lower-case names, and a body. */
export interface RefusalAnswer {
  readonly fields: readonly string[]
  readonly body: Buffer
}

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** KServe's `{"error": ...}` and a code to look up in docs/errors.md. */
export function refusalAnswer(refusal: Refusal): RefusalAnswer {
  const body = Buffer.from(JSON.stringify({ error: refusal.message, code: refusal.code }))
  const fields = ['content-type', 'application/json', 'content-length', String(body.length)]
  fields.push('x-pilotlight-refusal', refusal.code)
  if (refusal.retryAfterSeconds !== undefined)
    fields.push('retry-after', String(Math.max(1, Math.ceil(refusal.retryAfterSeconds))))
  if (refusal.code === 'METHOD_REFUSED') fields.push('allow', METHODS)
  return { fields, body }
}
