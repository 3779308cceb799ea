import type { RevisionName } from '../../core/names.ts'
import type { Report } from '../../core/report.ts'

/** What the threads of this process reported last of each revision. */
export class GatewayLoad {
  readonly #reports = new Map<RevisionName, Map<string, Report>>()
  /** Said to wait, and not reported on since. */
  readonly #woken = new Set<RevisionName>()

  record(reports: readonly Report[]): void {
    for (const report of reports) {
      const byThread = this.#reports.get(report.revision) ?? new Map<string, Report>()
      byThread.set(report.gateway, report)
      this.#reports.set(report.revision, byThread)
      this.#woken.delete(report.revision)
    }
  }

  wake(revision: RevisionName): void {
    this.#woken.add(revision)
  }

  isWaitedFor(revision: RevisionName): boolean {
    return this.#woken.has(revision) || this.waiting(revision) > 0
  }

  waiting(revision: RevisionName): number {
    return this.#sum(revision, ({ waiting }) => waiting)
  }

  inFlight(revision: RevisionName): number {
    return this.#sum(revision, ({ inFlight }) => inFlight)
  }

  /** Forgets all revisions but these. */
  retain(revisions: ReadonlySet<RevisionName>): void {
    for (const known of this.#reports.keys()) if (!revisions.has(known)) this.#reports.delete(known)
    for (const known of this.#woken) if (!revisions.has(known)) this.#woken.delete(known)
  }

  #sum(revision: RevisionName, part: (report: Report) => number): number {
    let sum = 0
    for (const report of this.#reports.get(revision)?.values() ?? []) sum += part(report)
    return sum
  }
}
