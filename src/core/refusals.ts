/**
 * Every answer the gateway gives by itself, in one catalogue: a code to look up, a status, and a
 * sentence a client can act on. docs/errors.md lists the same codes; a test keeps the two in step.
 */
const catalogue = {
  NO_ROUTE: { status: 404, text: 'no InferenceService answers this host and path' },
  METHOD_REFUSED: { status: 405, text: 'this method is not forwarded' },
  BAD_REQUEST: { status: 400, text: 'the request cannot be read' },
  HEAD_TOO_LARGE: { status: 431, text: 'the request head is larger than the gateway takes' },
  CLIENT_TIMEOUT: { status: 408, text: 'the client did not send its request in time' },
  CONNECTION_LIMIT: { status: 503, text: 'as many connections as may are already open' },
  REVISION_NOT_READY: { status: 503, text: 'the service has no revision that can answer yet' },
  QUEUE_FULL: { status: 503, text: 'as many requests as may are already waiting for this revision' },
  QUEUE_BYTES_FULL: {
    status: 503,
    text: 'as many request bytes as may are already waiting for this revision',
  },
  ACTIVATION_TIMEOUT: { status: 504, text: 'no replica became ready in time' },
  REQUEST_TIMEOUT: { status: 504, text: 'the replica did not finish the answer in time' },
  RESPONSE_START_TIMEOUT: { status: 504, text: 'the replica did not begin to answer in time' },
  UPSTREAM_UNREACHABLE: { status: 502, text: 'the replica refused the connection' },
  UPSTREAM_RESET: { status: 502, text: 'the replica closed the connection before it answered' },
  UPSTREAM_INVALID: { status: 502, text: 'the replica answered something that is not HTTP' },
  SHUTTING_DOWN: { status: 503, text: 'the gateway is stopping' },
  CLIENT_GONE: { status: 499, text: 'the client went away' },
} as const satisfies Record<string, { readonly status: number; readonly text: string }>

export type RefusalCode = keyof typeof catalogue

/** The whole catalogue, for the page that explains it. */
export const refusals: Readonly<Record<RefusalCode, { readonly status: number; readonly text: string }>> =
  Object.freeze(catalogue)

/** A request that the gateway answers itself. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly status: number
  /** Seconds after which trying again may help; undefined where it would not. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: RefusalCode,
    options: { readonly detail?: string; readonly retryAfterSeconds?: number; readonly cause?: unknown } = {},
  ) {
    const { status, text } = catalogue[code]
    super(options.detail === undefined ? text : `${text}: ${options.detail}`, { cause: options.cause })
    this.code = code
    this.status = status
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}
