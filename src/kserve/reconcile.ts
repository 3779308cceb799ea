import type { DesiredComponent, DesiredService } from '../core/desired.ts'
import { qualified } from '../core/names.ts'
import type { RevisionName } from '../core/names.ts'
import type { ComponentKind, Revision } from '../core/revision.ts'
import type { Route, SplitTarget } from '../core/route.ts'
import type { InferenceServiceStatus } from '../core/status.ts'
import { canariesShare } from './canaries.ts'
import { collect } from './collect.ts'
import type { RolledComponent } from './conditions.ts'
import { emptyComponentHistory } from './history.ts'
import type { ComponentHistory, ConditionHistory, ServiceHistory } from './history.ts'
import type { RevisionObservation } from './observation.ts'
import { rollOut } from './rollout.ts'
import type { Rollout } from './rollout.ts'
import { routesOf } from './routes.ts'
import type { RoutedComponent } from './routes.ts'
import { statusOf, stoppedStatus } from './status.ts'
import type { UrlOptions } from './urls.ts'

export interface ReconcileOptions {
  /** KServe's answers, also where ours are meant to be better. */
  readonly strict: boolean
  /** Unused revisions kept per component. */
  readonly keep: number
  readonly urls: UrlOptions
}

export interface ReconcileInput {
  readonly desired: DesiredService
  readonly history: ServiceHistory | undefined
  readonly observe: (revision: RevisionName) => RevisionObservation
  /** Epoch ms. */
  readonly nowMs: number
  readonly options: ReconcileOptions
}

/** All that follows for one service from what is wanted, what was and what is seen. */
export interface ReconciledService {
  /** To be kept, and given back the next time. */
  readonly history: ServiceHistory
  /** Those that exist: the latest, all with traffic, and unused ones that are kept. */
  readonly revisions: readonly Revision[]
  /** A route whose split is empty has no revision that was ready yet. */
  readonly routes: readonly Route[]
  readonly status: InferenceServiceStatus
  /** Collected: to be scaled to 0 and forgotten. */
  readonly retired: readonly RevisionName[]
  /** In a split, or the latest of its component: the others have no claim to their min-scale. */
  readonly reachable: ReadonlySet<RevisionName>
  /** Traffic that is not in order, by component name, in Knative's words. */
  readonly trafficProblems: Readonly<Record<string, string>>
  /** The min-scale that holds instead of the template's, where Standard canaries share the stable replicas. */
  readonly minScale: ReadonlyMap<RevisionName, number>
}

const KINDS = ['predictor', 'transformer', 'explainer'] as const

/** One step of a service: every component's rollout, then who is routed to, what is kept and what is told. */
export function reconcileService(input: ReconcileInput): ReconciledService {
  const { desired, history, options } = input
  if (desired.stopped) return stopService(input)

  const components = KINDS.flatMap((kind) => {
    const component = desired.components[kind]
    return component === undefined ? [] : [rolled(component, percentOf(component, input), input)]
  })
  const canaries = desired.canaries.map(({ component }) => rolled(component, undefined, input))
  const shares = canariesShare(desired, components[0]?.rollout, canaries)

  const kept = new Map<string, Rollout>()
  for (const { name, rollout } of [...components, ...canaries]) kept.set(name, rollout)
  const routed = components.map((component): RoutedComponent => {
    const serving = servingInstead(component, input)
    if (serving === undefined) {
      return component.kind === 'predictor' && canaries.length > 0
        ? { ...answerOf(component), split: shares.split, canaries: shares.routed }
        : answerOf(component)
    }
    kept.set(serving.name, serving.rollout)
    return answerOf(serving)
  })
  const entry = entryOf(routed, history?.entry)
  const routes = routesOf(desired, { entry, components: routed }, options.urls)
  const status = statusOf({
    ...input,
    components,
    canaries,
    entry,
    conditionsBefore: history?.conditions ?? {},
  })

  const collected = [...kept].map(([name, rollout]) => {
    const { keep } = options
    return { name, ...collect(rollout.history, { keep, annotations: desired.annotations }) }
  })
  const remaining = collected.map((component) => component.history)
  const latest = [...components, ...canaries].flatMap(
    ({ rollout }) => rollout.history.latestCreatedRevision ?? [],
  )
  const inRoutes = routes.flatMap((route) => route.split.map((target) => target.revision))
  return {
    history: {
      version: 1,
      deploymentMode: desired.deploymentMode,
      components: {
        ...(options.strict ? {} : countersOf(history, kept)),
        ...Object.fromEntries(collected.map((component) => [component.name, component.history])),
      },
      serving: Object.fromEntries(routed.map(({ kind, name }) => [kind, name])),
      entry,
      conditions: conditionHistory(status),
    },
    revisions: remaining.flatMap((component) => component.revisions.map((record) => record.revision)),
    routes,
    status,
    retired: [...collected.flatMap((component) => component.retired), ...droppedRevisions(history, kept)],
    reachable: new Set([...latest, ...inRoutes]),
    trafficProblems: Object.fromEntries(
      components.flatMap(({ name, rollout }) =>
        rollout.problem === undefined ? [] : [[name, rollout.problem]],
      ),
    ),
    minScale: shares.minScale,
  }
}

function rolled(
  component: DesiredComponent,
  canaryTrafficPercent: number | undefined,
  input: ReconcileInput,
): RolledComponent {
  const { desired, history } = input
  const rollout = rollOut({
    service: qualified(desired.namespace, desired.name),
    namespace: desired.namespace,
    component,
    canaryTrafficPercent,
    tagRouting: desired.tagRouting,
    scalingInPlace: desired.deploymentMode === 'Standard',
    frozen: desired.failure !== undefined,
    history: history?.components[component.name],
    observe: input.observe,
    nowMs: input.nowMs,
  })
  return { kind: component.kind, name: component.name, rollout }
}

/** Standard KServe knows no `canaryTrafficPercent`; we do, except beside `spec.canary[]`. */
function percentOf(component: DesiredComponent, { desired, options }: ReconcileInput): number | undefined {
  if (desired.deploymentMode === 'Knative') return component.canaryTrafficPercent
  return options.strict || desired.canaries.length > 0 ? undefined : component.canaryTrafficPercent
}

/** A predictor under a new name takes over once it is ready; until then the one before it answers. */
function servingInstead(component: RolledComponent, input: ReconcileInput): RolledComponent | undefined {
  if (component.rollout.split.length > 0) return undefined
  const name = input.history?.serving[component.kind]
  const history = name === undefined ? undefined : input.history?.components[name]
  if (name === undefined || name === component.name || history === undefined) return undefined
  const desired = input.desired.components[component.kind]
  if (history.traffic.length === 0 || desired === undefined) return undefined
  const rollout = rollOut({
    service: qualified(input.desired.namespace, input.desired.name),
    namespace: input.desired.namespace,
    component: { ...desired, name },
    canaryTrafficPercent: undefined,
    tagRouting: false,
    scalingInPlace: false,
    frozen: true,
    history,
    observe: input.observe,
    nowMs: input.nowMs,
  })
  return { kind: component.kind, name, rollout }
}

function answerOf({ kind, name, rollout }: RolledComponent): RoutedComponent {
  const tagged = rollout.history.traffic.flatMap(({ tag, revision }) =>
    tag === undefined ? [] : [{ tag, revision }],
  )
  return { kind, name, split: rollout.split, tagged, canaries: [] }
}

/**
 * The transformer if there is one, else the predictor; but what answered before goes on until the new entry
 * is ready. A predictor is never shown in place of a transformer that it was first deployed with: its answers
 * would be of another form.
 */
function entryOf(routed: readonly RoutedComponent[], before: ComponentKind | undefined): ComponentKind {
  const splitFor = (kind: ComponentKind | undefined): readonly SplitTarget[] =>
    routed.find((component) => component.kind === kind)?.split ?? []
  const wanted = routed.some(({ kind }) => kind === 'transformer') ? 'transformer' : 'predictor'
  if (splitFor(wanted).length > 0 || before === undefined) return wanted
  return splitFor(before).length > 0 ? before : wanted
}

/** Revisions of components that the service no longer has. */
function droppedRevisions(
  history: ServiceHistory | undefined,
  kept: ReadonlyMap<string, unknown>,
): RevisionName[] {
  return Object.entries(history?.components ?? {})
    .filter(([name]) => !kept.has(name))
    .flatMap(([, component]) => component.revisions.map((record) => record.revision.name))
}

/** Of components that are gone, the next number stays: a revision's name never means two things. */
function countersOf(
  history: ServiceHistory | undefined,
  kept: ReadonlyMap<string, unknown>,
): Record<string, ComponentHistory> {
  return Object.fromEntries(
    Object.entries(history?.components ?? {})
      .filter(([name]) => !kept.has(name))
      .map(([name, { component, nextGeneration }]) => [
        name,
        { ...emptyComponentHistory(component), nextGeneration },
      ]),
  )
}

function conditionHistory(status: InferenceServiceStatus): Record<string, ConditionHistory> {
  return Object.fromEntries(
    (status.conditions ?? []).flatMap(({ type, status: value, lastTransitionTime }) =>
      lastTransitionTime === null ? [] : [[type, { status: value, lastTransitionTime }]],
    ),
  )
}

/** A stopped service has nothing. KServe deletes its Knative Service, so names start again at 00001; we count on. */
function stopService(input: ReconcileInput): ReconciledService {
  const { desired, history, options } = input
  const status = stoppedStatus({ ...input, conditionsBefore: history?.conditions ?? {} })
  return {
    history: {
      version: 1,
      deploymentMode: desired.deploymentMode,
      components: options.strict ? {} : countersOf(history, new Map()),
      serving: {},
      conditions: conditionHistory(status),
    },
    revisions: [],
    routes: [],
    status,
    retired: droppedRevisions(history, new Map()),
    reachable: new Set(),
    trafficProblems: {},
    minScale: new Map(),
  }
}
