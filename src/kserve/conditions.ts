import type { DesiredService } from '../core/desired.ts'
import type { ComponentKind } from '../core/revision.ts'
import type { Condition } from '../core/status.ts'
import type { ConditionHistory } from './history.ts'
import { rfc3339 } from '../core/clock.ts'
import { recordOf } from './rollout.ts'
import type { Rollout } from './rollout.ts'

/** A condition without its time. */
export type Finding = Omit<Condition, 'type' | 'severity' | 'lastTransitionTime'>

/** A component and how far its rollout is. */
export interface RolledComponent {
  readonly kind: ComponentKind
  readonly name: string
  readonly rollout: Rollout
}

const TITLE = { predictor: 'Predictor', transformer: 'Transformer', explainer: 'Explainer' } as const
const ROUTE_READY = {
  predictor: 'PredictorRouteReady',
  transformer: 'TransformerRouteReady',
  // Plural in KServe, too.
  explainer: 'ExplainerRoutesReady',
} as const

/** Conditions that say why, and of which Ready does not depend. */
const INFO = new Set([
  'PredictorConfigurationReady',
  'TransformerConfigurationReady',
  'ExplainerConfigurationReady',
  'PredictorRouteReady',
  'TransformerRouteReady',
  'ExplainerRoutesReady',
  'LatestDeploymentReady',
  'RoutesReady',
  'CanaryPredictorReady',
  'Stopped',
])

const READY: Finding = { status: 'True' }

/** Every condition of a service that is not stopped, by type. */
export function findingsOf(
  desired: DesiredService,
  components: readonly RolledComponent[],
  canaries: readonly RolledComponent[],
  strict: boolean,
): Map<string, Finding> {
  const found = new Map<string, Finding>()
  const dependents: string[] = []
  for (const component of components) {
    const type = `${TITLE[component.kind]}Ready`
    dependents.push(type)
    if (desired.deploymentMode === 'Standard') {
      found.set(type, deploymentFinding(component.rollout))
    } else {
      found.set(`${TITLE[component.kind]}ConfigurationReady`, configurationFinding(component, strict))
      found.set(ROUTE_READY[component.kind], routeFinding(component, strict))
      found.set(type, serviceFinding(component, strict))
    }
  }
  if (desired.failure !== undefined) {
    found.set('PredictorReady', {
      status: 'False',
      reason: desired.failure.reason,
      message: desired.failure.message,
    })
  }
  if (desired.deploymentMode === 'Knative') {
    const kinds = components.map((component) => component.kind)
    const configurations = kinds.map((kind) => `${TITLE[kind]}ConfigurationReady`)
    found.set('LatestDeploymentReady', allReady(found, configurations))
    const routes = kinds.map((kind) => ROUTE_READY[kind])
    found.set('RoutesReady', allReady(found, routes))
  }
  found.set('IngressReady', ingressFinding(components))
  if (canaries.length > 0) found.set('CanaryPredictorReady', canaryFinding(canaries))
  found.set('Ready', happiness(found, [...dependents, 'IngressReady']))
  found.set('Stopped', { status: 'False' })
  return found
}

/** Every condition of a stopped service, by type. */
export function stoppedFindings(desired: DesiredService): Map<string, Finding> {
  const stopped: Finding = { status: 'False', reason: 'Stopped' }
  const found = new Map<string, Finding>([['Stopped', { status: 'True' }]])
  for (const kind of ['predictor', 'transformer', 'explainer'] as const) {
    if (desired.components[kind] !== undefined) found.set(`${TITLE[kind]}Ready`, stopped)
  }
  for (const type of ['IngressReady', 'Ready']) found.set(type, stopped)
  if (desired.canaries.length > 0) found.set('CanaryPredictorReady', stopped)
  return found
}

/** Sorted by type; the time of a condition is that of its last change of status. */
export function conditionsOf(
  found: ReadonlyMap<string, Finding>,
  before: Readonly<Record<string, ConditionHistory>>,
  nowMs: number,
): Condition[] {
  const now = rfc3339(nowMs)
  return [...found]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([type, finding]) => {
      const last = before[type]
      const lastTransitionTime = last?.status === finding.status ? last.lastTransitionTime : now
      return { type, ...finding, ...(INFO.has(type) ? { severity: 'Info' } : {}), lastTransitionTime }
    })
}

/** Knative's Configuration: its latest created revision. */
function configurationFinding({ rollout }: RolledComponent, strict: boolean): Finding {
  const latest = recordOf(rollout.history, rollout.history.latestCreatedRevision)
  if (latest?.everReady === true) return READY
  if (latest?.failure === undefined) {
    return strict ? { status: 'Unknown' } : { status: 'Unknown', reason: 'RevisionMissing' }
  }
  const name = latest.revision.name.slice(latest.revision.name.indexOf('/') + 1)
  return {
    status: 'False',
    reason: 'RevisionFailed',
    message: `Revision "${name}" failed with message: ${latest.failure.message}.`,
  }
}

/** Knative's Route: there is a revision that it can lead to. */
function routeFinding(component: RolledComponent, strict: boolean): Finding {
  if (component.rollout.history.latestReadyRevision !== undefined) return READY
  const failed = configurationFinding(component, strict).status === 'False'
  const message = failed
    ? `Configuration "${component.name}" does not have any ready Revision.`
    : `Configuration "${component.name}" is waiting for a Revision to become ready.`
  return { status: failed ? 'False' : 'Unknown', reason: 'RevisionMissing', ...(strict ? {} : { message }) }
}

/** Knative's Service: its Configuration and its Route. */
function serviceFinding(component: RolledComponent, strict: boolean): Finding {
  const { problem } = component.rollout
  // In strict mode the oracle's Knative does not say no: KServe's own status knows nothing of it.
  if (problem !== undefined && !strict) return { status: 'False', reason: 'InvalidTraffic', message: problem }
  const configuration = configurationFinding(component, strict)
  if (configuration.status === 'True') return routeFinding(component, strict)
  if (configuration.status === 'False') return configuration
  const message = `Configuration "${component.name}" is waiting for a Revision to become ready.`
  return { status: 'Unknown', reason: 'RevisionMissing', ...(strict ? {} : { message }) }
}

/** A Deployment's conditions, as KServe reads them. */
function deploymentFinding({ history, problem }: Rollout): Finding {
  if (problem !== undefined) return { status: 'False', reason: 'InvalidTraffic', message: problem }
  const latest = recordOf(history, history.latestCreatedRevision)
  if (latest?.everReady === true) return READY
  if (latest?.failure !== undefined) {
    return { status: 'False', reason: 'ProgressDeadlineExceeded', message: latest.failure.message }
  }
  return history.latestReadyRevision === undefined
    ? {
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      }
    : {
        status: 'Unknown',
        reason: 'ReplicaSetUpdated',
        message: 'The new revision has no ready replica yet.',
      }
}

/** The service's hosts lead somewhere once every component has a revision that was ready. */
function ingressFinding(components: readonly RolledComponent[]): Finding {
  const missing = components.find(({ rollout }) => rollout.history.latestReadyRevision === undefined)
  if (missing === undefined) return READY
  return { status: 'Unknown', reason: `${TITLE[missing.kind]} ingress not created` }
}

function canaryFinding(canaries: readonly RolledComponent[]): Finding {
  const waiting = canaries.filter(({ rollout }) => !isLatestReady(rollout)).map(({ name }) => name)
  if (waiting.length === 0) return { status: 'True', reason: 'AllCanariesReady' }
  return { status: 'False', reason: 'CanariesNotReady', message: `not ready: ${waiting.join(', ')}` }
}

/** The latest created revision is the one that is ready. */
export function isLatestReady({ history }: Rollout): boolean {
  return (
    history.latestReadyRevision !== undefined && history.latestReadyRevision === history.latestCreatedRevision
  )
}

/** Each of them, or the last that is not and why. Source: KServe PropagateCrossComponentStatus. */
function allReady(found: ReadonlyMap<string, Finding>, types: readonly string[]): Finding {
  const type = types.findLast((candidate) => found.get(candidate)?.status !== 'True')
  if (type === undefined) return READY
  return { status: found.get(type)?.status ?? 'Unknown', reason: `${type} not ready` }
}

/** Knative's living set: False before Unknown before True. */
function happiness(found: ReadonlyMap<string, Finding>, types: readonly string[]): Finding {
  for (const status of ['False', 'Unknown'] as const) {
    const finding = types.map((type) => found.get(type)).find((candidate) => candidate?.status === status)
    if (finding !== undefined) return finding
  }
  return READY
}
