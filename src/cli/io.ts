import type { Clock } from '../core/clock.ts'

/** Everything a command touches, handed in: tests give their own. */
export interface Io {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Standard input, whole. */
  readonly readStdin: () => Promise<string>
  /** Whether standard error is a terminal: progress is redrawn there, and plain lines elsewhere. */
  readonly errIsTty: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly clock: Clock
  /** Aborted when the user interrupts: what follows or waits ends, and the command is over. */
  readonly signal: AbortSignal
}
