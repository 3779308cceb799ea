import type { Permit } from '../../activator/permit.ts'
import type { RevisionName } from '../core/names.ts'
import { Refusal } from '../core/refusals.ts'
import type { Metrics } from '../core/telemetry.ts'
import type { Admission } from './admission.ts'
import type { Exchange } from './exchange.ts'
import type { Pace } from './pace.ts'
import { KEEP_BYTES_MAX } from './request-body.ts'
import type { ForwardResult } from './upstream.ts'

/** What all requests are sent with. */
export interface Sending {
  readonly admission: Admission
  readonly metrics: Metrics
  readonly retriesMax: number
  /** For those that had to wait: many of them may get room at once. */
  readonly pace: Pace
}

/** One attempt on the permit's replica; `fresh`: on a new connection. */
export type Attempt = (permit: Permit, fresh: boolean) => Promise<ForwardResult>

const NONE: readonly Permit[] = []

/**
 * Waits for room, then forwards; the only place that tries again. That happens before the first byte of an
 * answer only, on another replica, and when the body can be sent once more: always after a refused connection,
 * after a reset if what has left of the body is still kept. A reset means that the replica died, and it may have
 * begun to work on the request: inference has no side effects that a second run would repeat, so a POST is
 * tried again too; what must not run twice needs `retriesMax: 0`.
 * @throws Refusal; the signal's reason when it is aborted before the answer began.
 */
export async function send(
  exchange: Exchange,
  revision: RevisionName,
  attempt: Attempt,
  { admission, metrics, retriesMax, pace }: Sending,
): Promise<'answered' | 'cut'> {
  const { signal, body } = exchange
  const bytes = body.length === undefined ? body.keptBytes : Math.min(body.length, KEEP_BYTES_MAX)
  let failed = NONE
  let failure: Refusal | undefined
  for (;;) {
    if (failure !== undefined) metrics.retried(revision)
    const granted = acquire(admission, revision, { signal, bytes, failed }, failure)
    using permit = granted instanceof Promise ? await granted : granted
    const turn = granted instanceof Promise ? pace.enter() : undefined
    if (turn !== undefined) {
      await turn
      signal.throwIfAborted()
    }
    let result = await attempt(permit, false)
    // A connection that died while it lay idle says nothing of the replica: the same one is tried once more.
    if (result.outcome === 'reset' && result.stale && body.isReplayable && !signal.aborted)
      result = await attempt(permit, true)
    switch (result.outcome) {
      case 'answered':
        admission.answered(permit)
        return 'answered'
      case 'cut':
        admission.failed(permit)
        return 'cut'
      case 'invalid':
        throw new Refusal('UPSTREAM_INVALID', {
          detail: `${permit.replica}: ${result.cause.message}`,
          cause: result.cause,
        })
      case 'unreachable':
      case 'reset':
        admission.failed(permit)
        failure = new Refusal(result.outcome === 'reset' ? 'UPSTREAM_RESET' : 'UPSTREAM_UNREACHABLE', {
          detail: permit.replica,
          cause: result.cause,
          retryAfterSeconds: 1,
        })
    }
    failed = [...failed, permit]
    signal.throwIfAborted()
    if (failed.length > retriesMax || !body.isReplayable) throw failure
  }
}

function acquire(
  admission: Admission,
  revision: RevisionName,
  wish: Parameters<Admission['acquire']>[1],
  failure: Refusal | undefined,
): Permit | Promise<Permit> {
  return failure === undefined
    ? admission.acquire(revision, wish)
    : acquireAnother(admission, revision, wish, failure)
}

/** Where no other replica turns up for a retry, the client hears what went wrong with the first. */
async function acquireAnother(
  admission: Admission,
  revision: RevisionName,
  wish: Parameters<Admission['acquire']>[1],
  failure: Refusal,
): Promise<Permit> {
  try {
    return await admission.acquire(revision, wish)
  } catch (error) {
    throw error instanceof Refusal && error.code === 'UPSTREAM_RESET' ? failure : error
  }
}
