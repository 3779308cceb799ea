/** Kubernetes' own answer to a request that failed. Source: apimachinery, `meta/v1` Status. */
export interface Status {
  readonly kind?: string
  readonly message?: string
  readonly reason?: string
  readonly code?: number
  readonly details?: {
    readonly retryAfterSeconds?: number
    readonly causes?: readonly StatusCause[]
  }
}

export interface StatusCause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

/** For answers that carry no Status: those of proxies before the API server. */
const REASON_BY_STATUS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

/**
 * A request to the API server that did not succeed. `status` is that of HTTP, 0 when no answer came; `reason` is
 * Kubernetes' word (`NotFound`, `AlreadyExists`, `Conflict`, `Expired`, `Forbidden`, `Invalid`, `TooManyRequests`, ...) or one of
 * ours: `Unreachable` (no connection, or it broke), `Timeout` (no answer in time), `Credentials` (the kubeconfig's
 * certificate, token or exec plugin could not be used).
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly reason: string
  /** How long the API server asks to wait before the next try. */
  readonly retryAfterMs: number | undefined
  readonly causes: readonly StatusCause[]

  constructor(
    message: string,
    facts: {
      readonly status: number
      readonly reason: string
      readonly retryAfterMs?: number | undefined
      readonly causes?: readonly StatusCause[] | undefined
      readonly cause?: unknown
    },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.status = facts.status
    this.reason = facts.reason
    this.causes = facts.causes ?? []
    this.retryAfterMs = facts.retryAfterMs
  }

  /** From the answer's status, its Retry-After in seconds, and its body, which may be anything. */
  static fromAnswer(what: string, status: number, body: string, retryAfter?: string): ApiError {
    const parsed = statusOf(body)
    const seconds = Number(retryAfter ?? parsed?.details?.retryAfterSeconds ?? Number.NaN)
    const text = parsed?.message ?? (body.trim().slice(0, 200) || 'no reason given')
    return new ApiError(`${what}: ${status} ${text}`, {
      status,
      reason: reasonOf(parsed, status),
      retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined,
      causes: parsed?.details?.causes,
    })
  }

  /** From the Status that an event of type ERROR carries in a watch. */
  static fromStatus(what: string, status: Status): ApiError {
    const code = status.code ?? 500
    return new ApiError(`${what}: ${code} ${status.message ?? 'no reason given'}`, {
      status: code,
      reason: reasonOf(status, code),
      causes: status.details?.causes,
    })
  }
}

/** Whether a request failed for this reason: `isApiError(error, 'NotFound', 'Conflict')`; for any without reasons. */
export function isApiError(error: unknown, ...reasons: readonly string[]): error is ApiError {
  return error instanceof ApiError && (reasons.length === 0 || reasons.includes(error.reason))
}

/** An empty reason is what some servers send for one they do not know. */
function reasonOf(status: Status | undefined, code: number): string {
  const reason = status?.reason
  if (reason !== undefined && reason !== '' && reason !== 'Unknown') return reason
  return REASON_BY_STATUS[code] ?? 'Unknown'
}

function statusOf(body: string): Status | undefined {
  try {
    const parsed: Status | null = JSON.parse(body)
    return parsed?.kind === 'Status' ? parsed : undefined
  } catch {
    return undefined
  }
}
