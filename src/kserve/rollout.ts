import type { DesiredComponent } from '../core/desired.ts'
import { qualified, revisionChildName } from '../core/names.ts'
import type { InferenceServiceName, RevisionName } from '../core/names.ts'
import type { RevisionTemplate } from '../core/revision.ts'
import type { SplitTarget } from '../core/route.ts'
import { emptyComponentHistory } from './history.ts'
import type { ComponentHistory, RevisionRecord, TrafficTarget } from './history.ts'
import type { RevisionObservation } from './observation.ts'

/**
 * The canary of one component, as KServe's controller and Knative's Service carry it out together
 * (KServe ksvc_reconciler.go and PropagateStatus, Knative's traffic resolution):
 *
 *     template changed -> next revision -> first ready replica -> latestReady -> 100 % -> latestRolledout
 *
 * With a canary percent P the latest ready revision gets P, and the one that was rolled out last the rest.
 */
export interface RolloutInput {
  readonly service: InferenceServiceName
  readonly namespace: string
  readonly component: DesiredComponent
  /** Percent of the latest revision; undefined = all of it. Out of 0 to 100: nothing moves. */
  readonly canaryTrafficPercent: number | undefined
  readonly tagRouting: boolean
  /** Standard mode: as with a Deployment, how many replicas there are is no part of a revision. */
  readonly scalingInPlace: boolean
  /** The manifest cannot be served: no new revision, no change of the traffic. */
  readonly frozen: boolean
  readonly history: ComponentHistory | undefined
  readonly observe: (revision: RevisionName) => RevisionObservation
  readonly nowMs: number
}

export interface Rollout {
  readonly history: ComponentHistory
  /** What `canaryTrafficPercent` asks for, in order or not; the same as `history.traffic` if in order. */
  readonly asked: readonly TrafficTarget[]
  /** Knative's words for traffic that is not in order: the traffic before it stays. */
  readonly problem?: string
  /** For the router: shares above 0 that sum to 100; empty before the first ready revision. */
  readonly split: readonly SplitTarget[]
}

/** Each step of KServe's loop may be the reason for the next: promotion and its undoing settle in three. */
const STEPS_MAX = 4

/** One step of a component: what is true now goes in, the traffic comes out. */
export function rollOut(input: RolloutInput): Rollout {
  let history = noteReadiness(input.history ?? emptyComponentHistory(input.component.kind), input)
  if (input.frozen) return { history, asked: history.traffic, split: splitOf(history.traffic) }
  history = createRevision(history, input)
  history = noteLatestReady(history)
  const before = history.traffic
  let asked = askedTraffic(history, input)
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const problem = trafficProblem(asked)
    if (problem !== undefined) return { history, asked, problem, split: splitOf(history.traffic) }
    history = { ...noteRolledOut(history, asked), traffic: asked }
    asked = askedTraffic(history, input)
  }
  return { history: noteUnrouted(history, before, input.nowMs), asked, split: splitOf(asked) }
}

/** A revision is ready from its first ready replica on; a ready one has not failed. */
function noteReadiness(history: ComponentHistory, input: RolloutInput): ComponentHistory {
  const revisions = history.revisions.map((record): RevisionRecord => {
    const seen = input.observe(record.revision.name)
    if (record.everReady || seen.readyReplicas > 0 || seen.readyWithoutReplicas) {
      return { revision: record.revision, everReady: true, lastRoutedMs: record.lastRoutedMs }
    }
    if (!seen.gaveUp || record.failure !== undefined) return record
    const last = seen.lastFailure
    return {
      ...record,
      failure: {
        reason: last?.reason ?? 'ProgressDeadlineExceeded',
        message: last?.message ?? 'no replica was ready before the progress deadline',
        ...(last?.exitCode === undefined ? {} : { exitCode: last.exitCode }),
        atMs: input.nowMs,
      },
    }
  })
  return { ...history, revisions }
}

/** Going back to an older template makes a new revision too, as in Knative. */
function createRevision(history: ComponentHistory, input: RolloutInput): ComponentHistory {
  const { component, nowMs } = input
  const latest = recordOf(history, history.latestCreatedRevision)
  if (latest !== undefined && sameTemplate(latest.revision.template, component.template)) return history
  if (input.scalingInPlace && latest !== undefined) {
    const template = { ...latest.revision.template, scaling: component.template.scaling }
    if (sameTemplate(template, component.template)) {
      const rescaled = { ...latest, revision: { ...latest.revision, template } }
      return {
        ...history,
        revisions: history.revisions.map((record) => (record === latest ? rescaled : record)),
      }
    }
  }
  const generation = history.nextGeneration
  const name = qualified(input.namespace, revisionChildName(component.name, generation))
  const record: RevisionRecord = {
    revision: {
      name,
      service: input.service,
      component: component.kind,
      componentName: component.name,
      generation,
      createdAtMs: nowMs,
      template: component.template,
    },
    everReady: input.observe(name).readyWithoutReplicas || input.observe(name).readyReplicas > 0,
    lastRoutedMs: nowMs,
  }
  return {
    ...history,
    component: component.kind,
    revisions: [...history.revisions, record],
    nextGeneration: generation + 1,
    latestCreatedRevision: name,
  }
}

/** The newest revision that is ready; it never goes back to an older one. */
function noteLatestReady(history: ComponentHistory): ComponentHistory {
  const newest = history.revisions.findLast((record) => record.everReady)
  return newest === undefined ? history : { ...history, latestReadyRevision: newest.revision.name }
}

function askedTraffic(history: ComponentHistory, input: RolloutInput): TrafficTarget[] {
  const { latestReadyRevision: latest, latestRolledoutRevision: rolledOut } = history
  if (latest === undefined) return []
  const tag = input.tagRouting ? { tag: 'latest' } : {}
  const percent = input.canaryTrafficPercent
  if (percent === undefined || rolledOut === undefined) {
    // Without a revision to share with, the first one gets everything whatever the percent.
    return [{ revision: latest, latestRevision: true, percent: 100, ...tag }]
  }
  const target: TrafficTarget = { revision: latest, latestRevision: true, percent, ...tag }
  if (percent >= 100) return [target]
  return [target, { revision: rolledOut, latestRevision: false, percent: 100 - percent, tag: 'prev' }]
}

/** Promotion, and a full rollout that is taken back. Source: KServe inference_service_status.go PropagateStatus. */
function noteRolledOut(history: ComponentHistory, traffic: readonly TrafficTarget[]): ComponentHistory {
  const { latestCreatedRevision, latestReadyRevision, latestRolledoutRevision: rolledOut } = history
  const target = traffic.find((candidate) => candidate.latestRevision)
  if (target === undefined || latestReadyRevision === undefined) return history
  if (rolledOut !== latestReadyRevision) {
    if (target.percent !== 100) return history
    const { previousRolledoutRevision: _, ...rest } = history
    return {
      ...rest,
      ...(rolledOut === undefined ? {} : { previousRolledoutRevision: rolledOut }),
      latestRolledoutRevision: latestReadyRevision,
    }
  }
  const total = traffic
    .filter((candidate) => candidate.revision === latestReadyRevision)
    .reduce((sum, candidate) => sum + candidate.percent, 0)
  const takenBack =
    latestReadyRevision === latestCreatedRevision &&
    target.percent < 100 &&
    total === 100 &&
    history.previousRolledoutRevision !== undefined
  return takenBack ? { ...history, latestRolledoutRevision: history.previousRolledoutRevision } : history
}

/** Knative's webhook on `spec.traffic`, with its messages. */
function trafficProblem(traffic: readonly TrafficTarget[]): string | undefined {
  if (traffic.length === 0) return undefined
  const sum = traffic.reduce((total, target) => total + target.percent, 0)
  const lines = sum === 100 ? [] : [`Traffic targets sum to ${sum}, want 100: spec.traffic`]
  for (const [i, { percent }] of traffic.entries()) {
    if (percent >= 0 && percent <= 100) continue
    lines.push(`expected 0 <= ${percent} <= 100: spec.traffic[${i}].percent`)
  }
  return lines.length === 0 ? undefined : lines.join('\n')
}

/** Those that had a share and have none now start to age. */
function noteUnrouted(
  history: ComponentHistory,
  before: readonly TrafficTarget[],
  nowMs: number,
): ComponentHistory {
  const left = new Set(before.map((target) => target.revision))
  for (const target of history.traffic) left.delete(target.revision)
  if (left.size === 0) return history
  const revisions = history.revisions.map((record) =>
    left.has(record.revision.name) ? { ...record, lastRoutedMs: nowMs } : record,
  )
  return { ...history, revisions }
}

/** Targets of the same revision become one, and those without a share go. */
export function splitOf(traffic: readonly TrafficTarget[]): SplitTarget[] {
  const merged = new Map<RevisionName, SplitTarget>()
  for (const { revision, percent, tag } of traffic) {
    if (percent <= 0) continue
    const other = merged.get(revision)
    const tagged = other?.tag ?? tag
    merged.set(revision, {
      revision,
      percent: percent + (other?.percent ?? 0),
      ...(tagged === undefined ? {} : { tag: tagged }),
    })
  }
  return [...merged.values()]
}

export function recordOf(
  history: ComponentHistory | undefined,
  revision: RevisionName | undefined,
): RevisionRecord | undefined {
  return history?.revisions.find((record) => record.revision.name === revision)
}

/** Equal whatever the order of their keys; an absent key is the same as undefined. */
export function sameTemplate(a: RevisionTemplate, b: RevisionTemplate): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
