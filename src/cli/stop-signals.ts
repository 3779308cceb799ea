/** When a process is asked to stop. */
export interface StopSignals {
  /** It is to finish what it does. */
  readonly first: AbortSignal
  /** It is not to wait for that. */
  readonly second: AbortSignal
}

/** SIGTERM, SIGINT or SIGHUP: the first asks to stop, the second not to wait. */
export function stopSignals(): StopSignals {
  const first = new AbortController()
  const second = new AbortController()
  const onSignal = (): void => (first.signal.aborted ? second : first).abort()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal)
  return { first: first.signal, second: second.signal }
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
