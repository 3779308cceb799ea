import type { RevisionName } from '../core/names.ts'
import type { ComponentHistory, RevisionRecord } from './history.ts'

const NO_GC = 'serving.knative.dev/no-gc'

/**
 * Unused revisions beyond the newest `keep` are collected, those that lost their traffic longest ago first.
 * Never: the latest created and the latest ready one, those with traffic, those that a rollback may need,
 * and those with `serving.knative.dev/no-gc: "true"`.
 */
export function collect(
  history: ComponentHistory,
  options: { readonly keep: number; readonly annotations: Readonly<Record<string, string>> },
): { readonly history: ComponentHistory; readonly retired: readonly RevisionName[] } {
  if (options.annotations[NO_GC] === 'true') return { history, retired: [] }
  const inUse = new Set([
    history.latestCreatedRevision,
    history.latestReadyRevision,
    history.latestRolledoutRevision,
    history.previousRolledoutRevision,
    ...history.traffic.map((target) => target.revision),
  ])
  const isUnused = ({ revision }: RevisionRecord): boolean =>
    !inUse.has(revision.name) && revision.template.scaling.annotations[NO_GC] !== 'true'
  const retired = history.revisions
    .filter(isUnused)
    .toSorted((a, b) => b.lastRoutedMs - a.lastRoutedMs || b.revision.generation - a.revision.generation)
    .slice(options.keep)
    .map((record) => record.revision.name)
  if (retired.length === 0) return { history, retired }
  const gone = new Set(retired)
  const revisions = history.revisions.filter((record) => !gone.has(record.revision.name))
  return { history: { ...history, revisions }, retired }
}
