import type { Random } from '../../core/random.ts'

export interface BackoffOptions {
  /** The first wait. */
  readonly firstMs: number
  /** No wait is longer. */
  readonly longestMs: number
}

/**
 * Waits that double, each drawn from its upper half: many that failed at once (the API server restarted) do not come
 * back at once. With 200 ms and 10 s: 100..200, 200..400, 400..800, ... 5,000..10,000.
 */
export function backoffMs(failures: number, { firstMs, longestMs }: BackoffOptions, random: Random): number {
  // 2 ** 30 is far beyond every longest wait, and keeps the product finite.
  const fullMs = Math.min(longestMs, firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)))
  return fullMs / 2 + random.next() * (fullMs / 2)
}
