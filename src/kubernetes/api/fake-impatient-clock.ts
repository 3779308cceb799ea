import { ManualClock } from '../../core/manual-clock.ts'

/**
 * A manual clock on which nobody sleeps: a pause between two tries is noted and over at once, while timers and deadlines
 * still wait to be told. For what backs off between requests over real sockets.
 */
export class ImpatientClock extends ManualClock {
  /** The length of each pause, in ms. */
  readonly slept: number[] = []

  override async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.slept.push(delayMs)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
