import type { Permit } from '../../activator/permit.ts'
import type { RevisionName } from '../../src/core/names.ts'
import { Refusal } from '../../src/core/refusals.ts'
import type { RequestLimits } from '../../src/core/revision.ts'
import type { Metrics } from '../../src/core/telemetry.ts'
import type { Admission } from '../../src/gateway/admission.ts'
import type { Exchange, Forwarder, ForwardResult } from './forwarder.ts'
import type { ReplayableBody } from './replayable-body.ts'

export interface SendOptions {
  readonly admission: Admission
  readonly forwarder: Forwarder
  readonly metrics: Metrics
  readonly retriesMax: number
  readonly revision: RevisionName
  readonly limits: RequestLimits
  readonly body: ReplayableBody
  /** What the body occupies while it waits. */
  readonly bytes: number
  readonly signal: AbortSignal
  /** The exchange for one attempt: called as soon as the request has its replica. */
  readonly onPermit: (permit: Permit) => Exchange
}

/**
 * Waits for room, then forwards; the only place that tries again. That happens before the first byte of an
 * answer only, on another replica, and when the body can be sent once more: always after a refused connection,
 * after a reset if what has left of the body is still kept. A reset means that the replica died, and it may have
 * begun to work on the request: inference has no side effects that a second run would repeat, so a POST is
 * tried again too; what must not run twice needs `retriesMax: 0`.
 * @throws Refusal; the signal's reason when it is aborted before the answer began.
 */
export async function send(options: SendOptions): Promise<'answered' | 'cut'> {
  const { admission, metrics, revision, body, bytes, signal } = options
  const failed: Permit[] = []
  let failure: Refusal | undefined
  for (;;) {
    if (failure !== undefined) metrics.retried(revision)
    using permit = await acquireOr(failure, () => admission.acquire(revision, { signal, bytes, failed }))
    const result = await forward(options, permit)
    if (result.outcome === 'answered' || result.outcome === 'cut') return result.outcome
    failed.push(permit)
    failure = refusalOf(result, permit)
    if (signal.aborted) throw signal.reason
    if (failed.length > options.retriesMax || !body.isReplayable) throw failure
  }
}

/** A connection that died while it lay idle says nothing of the replica: the same one is tried once more. */
async function forward(options: SendOptions, permit: Permit): Promise<ForwardResult> {
  const { forwarder, limits, body, signal } = options
  const exchange = options.onPermit(permit)
  const result = await forwarder.forward(exchange, permit.address, limits, { signal, fresh: false })
  if (result.outcome !== 'reset' || !result.stale || !body.isReplayable || signal.aborted) return result
  return forwarder.forward(exchange, permit.address, limits, { signal, fresh: true })
}

/** Where no other replica turns up for a retry, the client hears what went wrong with the first. */
async function acquireOr(
  failure: Refusal | undefined,
  acquire: () => Permit | Promise<Permit>,
): Promise<Permit> {
  try {
    return await acquire()
  } catch (error) {
    if (failure !== undefined && error instanceof Refusal && error.code === 'UPSTREAM_RESET') throw failure
    throw error
  }
}

function refusalOf(result: Extract<ForwardResult, { readonly cause: Error }>, { replica }: Permit): Refusal {
  const code = result.outcome === 'unreachable' ? 'UPSTREAM_UNREACHABLE' : 'UPSTREAM_RESET'
  return new Refusal(code, { detail: replica, cause: result.cause, retryAfterSeconds: 1 })
}
