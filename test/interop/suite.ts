import type { Tool } from './cache.ts'
import type { Program } from './prerequisites.ts'
import type { Report } from './report.ts'

/** What a suite is run with. */
export interface Run {
  /** The clients speak to the servers themselves, with no gateway between: the proof that the suite asks nothing impossible. */
  readonly direct: boolean
  readonly report: Report
  /** A folder of this run's own. */
  readonly scratch: string
}

/** Somebody else's client or server, and what it has to be able to do. */
export interface Suite {
  readonly name: string
  readonly title: string
  /** In the order in which they are built. */
  readonly tools: readonly Tool[]
  readonly programs: readonly Program[]
  run(run: Run): Promise<void>
}
