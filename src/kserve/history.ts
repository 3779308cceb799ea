import { z } from 'zod'
import type { RevisionName } from '../core/names.ts'
import type { ComponentKind, Revision } from '../core/revision.ts'

/**
 * What has to survive a restart so that a service goes on where it was: which revisions were made, which of
 * them were ever ready, and who had the traffic. Plain JSON; everything else is read from the manifests and
 * from the replicas that exist.
 */
export interface ServiceHistory {
  readonly version: 1
  /** The mode that it was first deployed in; KServe refuses to change it. */
  readonly deploymentMode: 'Knative' | 'Standard'
  /** By component name: `sklearn-iris-predictor`, `sklearn-iris-v2-predictor` for a canary. */
  readonly components: Readonly<Record<string, ComponentHistory>>
  /** The component name that last answered for each kind: it goes on until its successor is ready. */
  readonly serving: Readonly<Partial<Record<ComponentKind, string>>>
  /** The kind that last answered the service's own hosts. */
  readonly entry?: ComponentKind
  /** When each condition last changed its status. */
  readonly conditions: Readonly<Record<string, ConditionHistory>>
}

export interface ConditionHistory {
  readonly status: 'True' | 'False' | 'Unknown'
  /** RFC 3339. */
  readonly lastTransitionTime: string
}

/** KServe's four revision names of a component, and what Knative keeps in Revisions and the Route. */
export interface ComponentHistory {
  readonly component: ComponentKind
  /** Oldest first. */
  readonly revisions: readonly RevisionRecord[]
  /** The number of the next revision, from 1; never used twice. */
  readonly nextGeneration: number
  readonly latestCreatedRevision?: RevisionName
  readonly latestReadyRevision?: RevisionName
  readonly latestRolledoutRevision?: RevisionName
  readonly previousRolledoutRevision?: RevisionName
  /** The last traffic that was in order; empty before the first ready revision. */
  readonly traffic: readonly TrafficTarget[]
}

/** One line of a component's `status.traffic`. */
export interface TrafficTarget {
  readonly revision: RevisionName
  readonly latestRevision: boolean
  readonly percent: number
  readonly tag?: string
}

export interface RevisionRecord {
  readonly revision: Revision
  /** Had a ready replica once; asleep at zero it stays ready. */
  readonly everReady: boolean
  /** Why it was given up before its first ready replica. */
  readonly failure?: RevisionFailure
  /** When it was created or lost its last share of the traffic, whichever is later; epoch ms. */
  readonly lastRoutedMs: number
}

export interface RevisionFailure {
  readonly reason: string
  readonly message: string
  readonly exitCode?: number
  readonly atMs: number
}

/** A history that cannot be read: written by something else, or damaged. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError'
}

const qualifiedName = z.string().regex(/^[^/]+\/[^/]+$/, 'has to be namespace/name')
const kind = z.enum(['predictor', 'transformer', 'explainer'])
const stringMap = z.record(z.string(), z.string())
const envVars = z.array(z.object({ name: z.string(), value: z.string() }))
const limitMs = z.number().min(0)

const templateSchema = z.looseObject({
  replica: z.looseObject({
    command: z.array(z.string()),
    args: z.array(z.string()),
    env: envVars,
    ports: z.array(z.looseObject({ containerPort: z.number() })),
    requests: stringMap,
    limits: stringMap,
    storage: z.array(z.object({ uri: z.string(), mountPath: z.string() })),
    podSpec: z.record(z.string(), z.unknown()),
  }),
  limits: z.looseObject({
    containerConcurrency: z.number().min(0),
    timeoutMs: limitMs,
    responseStartTimeoutMs: limitMs,
    idleTimeoutMs: limitMs,
  }),
  scaling: z.looseObject({
    class: z.enum(['kpa', 'hpa', 'llm', 'fixed', 'external']),
    annotations: stringMap,
    metrics: z.array(z.looseObject({ kind: z.string() })).optional(),
  }),
})

const recordSchema = z.object({
  revision: z.looseObject({
    name: qualifiedName,
    service: qualifiedName,
    component: kind,
    componentName: z.string().min(1),
    generation: z.int().min(1),
    createdAtMs: z.number(),
    template: templateSchema,
  }),
  everReady: z.boolean(),
  failure: z
    .object({ reason: z.string(), message: z.string(), exitCode: z.int().optional(), atMs: z.number() })
    .optional(),
  lastRoutedMs: z.number(),
})

const componentSchema = z.object({
  component: kind,
  revisions: z.array(recordSchema),
  nextGeneration: z.int().min(1),
  latestCreatedRevision: qualifiedName.optional(),
  latestReadyRevision: qualifiedName.optional(),
  latestRolledoutRevision: qualifiedName.optional(),
  previousRolledoutRevision: qualifiedName.optional(),
  traffic: z.array(
    z.object({
      revision: qualifiedName,
      latestRevision: z.boolean(),
      percent: z.number().min(0).max(100),
      tag: z.string().optional(),
    }),
  ),
})

const historySchema = z.object({
  version: z.literal(1),
  deploymentMode: z.enum(['Knative', 'Standard']),
  components: z.record(z.string(), componentSchema),
  serving: z.partialRecord(kind, z.string()),
  entry: kind.optional(),
  conditions: z.record(
    z.string(),
    z.object({ status: z.enum(['True', 'False', 'Unknown']), lastTransitionTime: z.string() }),
  ),
})

/**
 * Reads a history that was kept as JSON.
 * @throws HistoryError naming every field that is wrong.
 */
export function readHistory(input: unknown, source = 'history'): ServiceHistory {
  const problems = isHistory(input)
    ? Object.entries(input.components).flatMap(([name, component]) => danglingNames(name, component))
    : shapeProblems(input)
  if (isHistory(input) && problems.length === 0) return input
  throw new HistoryError(problems.map((problem) => `${source}: ${problem}`).join('\n'))
}

/** JSON has no `undefined`, so an optional field is either absent or of its type. */
function isHistory(input: unknown): input is ServiceHistory {
  return historySchema.safeParse(input).success
}

function shapeProblems(input: unknown): string[] {
  const issues = historySchema.safeParse(input).error?.issues ?? []
  return issues.map((issue) => `${issue.path.join('.') || '(top level)'}: ${issue.message}`)
}

/** Names of revisions that the history does not hold: traffic to them would go nowhere. */
function danglingNames(name: string, component: ComponentHistory): string[] {
  const known = new Set<string>(component.revisions.map((record) => record.revision.name))
  const named = {
    latestCreatedRevision: component.latestCreatedRevision,
    latestReadyRevision: component.latestReadyRevision,
    latestRolledoutRevision: component.latestRolledoutRevision,
    previousRolledoutRevision: component.previousRolledoutRevision,
    ...Object.fromEntries(component.traffic.map((target, i) => [`traffic.${i}.revision`, target.revision])),
  }
  return Object.entries(named).flatMap(([field, revision]) =>
    revision === undefined || known.has(revision)
      ? []
      : [`components.${name}.${field}: ${revision} is not among its revisions (${[...known].join(', ')})`],
  )
}

export function emptyComponentHistory(component: ComponentKind): ComponentHistory {
  return { component, revisions: [], nextGeneration: 1, traffic: [] }
}
