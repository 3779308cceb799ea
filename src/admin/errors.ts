import type { FastifyError, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import { ManifestRefused, ObjectNotFound } from '../control/view.ts'
import type { Log } from '../core/telemetry.ts'

/** Every code that an answer of this API can carry, with its status. */
export const adminErrors = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  FORBIDDEN_HOST: 403,
  FORBIDDEN_ORIGIN: 403,
  NOT_FOUND: 404,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  MANIFEST_REFUSED: 422,
  INTERNAL: 500,
  NOT_READY: 503,
} as const

export type AdminErrorCode = keyof typeof adminErrors

export interface ErrorBody {
  readonly error: string
  readonly code: AdminErrorCode
}

export function errorBody(code: AdminErrorCode, error: string): ErrorBody {
  return { error, code }
}

/** An answer that a handler decided on. */
export class AdminError extends Error {
  override readonly name = 'AdminError'
  readonly code: AdminErrorCode

  constructor(code: AdminErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Errors become answers here and nowhere else. */
export function answerError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Log,
): FastifyReply {
  const code = codeOf(error)
  if (code !== 'INTERNAL') return reply.code(adminErrors[code]).send(errorBody(code, error.message))
  log.error({ err: error, method: request.method, url: request.url }, 'an admin request failed')
  return reply.code(500).send(errorBody(code, 'internal error; the log of pilotlight says more'))
}

function codeOf(error: FastifyError | Error): AdminErrorCode {
  if (error instanceof AdminError) return error.code
  if (error instanceof ManifestRefused) return 'MANIFEST_REFUSED'
  if (error instanceof ObjectNotFound) return 'NOT_FOUND'
  const status = 'statusCode' in error ? error.statusCode : undefined
  if (status === 413) return 'BODY_TOO_LARGE'
  if (status === 415) return 'UNSUPPORTED_MEDIA_TYPE'
  return status !== undefined && status >= 400 && status < 500 ? 'BAD_REQUEST' : 'INTERNAL'
}

const PARTS: Readonly<Record<string, string>> = {
  querystring: 'query parameter',
  params: 'path parameter',
  body: 'body',
}

/** `query parameter limit: "abc" must be integer`: the field, the value and what is allowed. */
export function describeInvalid(errors: FastifySchemaValidationError[], part: string): Error {
  const lines = errors.map((error) => {
    const unknown = error.params['additionalProperty']
    const where = PARTS[part] ?? part
    if (typeof unknown === 'string') return `${where} ${unknown}: is not known here`
    const field = error.instancePath.slice(1).replaceAll('/', '.')
    // `data` is there because ajv is told to be verbose.
    const value = 'data' in error ? `${JSON.stringify(error.data)} ` : ''
    return `${where}${field === '' ? '' : ` ${field}`}: ${value}${error.message ?? 'is not valid'}`
  })
  return new AdminError('BAD_REQUEST', lines.join('; '))
}
