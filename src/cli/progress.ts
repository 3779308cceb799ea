import type { Io } from './io.ts'

const PATIENCE_MS = 1000

/**
 * Says what a command waits for, once it takes longer than a second: a line that counts the seconds and goes away on
 * a terminal, one plain line elsewhere.
 */
export async function withProgress<T>(
  io: Pick<Io, 'clock' | 'err' | 'errIsTty'>,
  sentence: () => string,
  work: Promise<T>,
): Promise<T> {
  const startMs = io.clock.now()
  let shown = false
  const show = (): void => {
    const seconds = Math.round((io.clock.now() - startMs) / 1000)
    if (io.errIsTty) {
      io.err(`\r\u001B[K${sentence()} (${seconds}s)`)
      timer = io.clock.after(PATIENCE_MS, show)
    } else io.err(`${sentence()}\n`)
    shown = true
  }
  let timer = io.clock.after(PATIENCE_MS, show)
  try {
    return await work
  } finally {
    timer.cancel()
    if (shown && io.errIsTty) io.err('\r\u001B[K')
  }
}
