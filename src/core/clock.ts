/**
 * Time is handed in, never taken: everything that waits or measures takes a `Clock`, so the whole
 * system runs in simulation on a `ManualClock`.
 */

/** One armed timer. Cancelling a timer that has fired or was cancelled before does nothing. */
export interface Timer extends Disposable {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since the Unix epoch, with a fraction; never goes backwards within a process. */
  now(): number
  /** Calls `fire` once after `delayMs` (at least 0). `keepAlive: false` lets the process end while it is armed. */
  after(delayMs: number, fire: () => void, options?: { readonly keepAlive?: boolean }): Timer
  /** Resolves after `delayMs`; rejects with the signal's reason as soon as `signal` is aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

/** The one shared implementation of `sleep`, on top of `after`. */
export function sleepOn(clock: Pick<Clock, 'after'>, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** setTimeout fires at once beyond this (about 24.8 days); longer waits are armed again. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** The real time. The only place that reads the machine's clock. */
export class SystemClock implements Clock {
  now(): number {
    // timeOrigin + now() is monotonic; Date.now() jumps when the machine's clock is set.
    return performance.timeOrigin + performance.now()
  }

  after(delayMs: number, fire: () => void, options?: { readonly keepAlive?: boolean }): Timer {
    let handle: NodeJS.Timeout
    const arm = (leftMs: number): void => {
      handle =
        leftMs > LONGEST_TIMEOUT_MS
          ? setTimeout(() => arm(leftMs - LONGEST_TIMEOUT_MS), LONGEST_TIMEOUT_MS)
          : setTimeout(fire, leftMs)
      if (options?.keepAlive === false) handle.unref()
    }
    arm(Math.max(0, delayMs))
    const cancel = (): void => clearTimeout(handle)
    return { cancel, [Symbol.dispose]: cancel }
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal)
  }
}

/** Epoch ms as RFC 3339 in whole seconds, as Kubernetes writes times: 0 gives `1970-01-01T00:00:00Z`. */
export function rfc3339(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, -5)}Z`
}

/** The same with milliseconds, as log lines carry it: `1970-01-01T00:00:00.000Z` for 0. */
export function rfc3339Ms(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

/** The same as HTTP writes times: `Thu, 01 Jan 1970 00:00:00 GMT` for 0. Source: RFC 9110, 5.6.7. */
export function httpDate(epochMs: number): string {
  return new Date(epochMs).toUTCString()
}
