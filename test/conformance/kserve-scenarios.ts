import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { DesiredService } from '../../src/core/desired.ts'
import type { RevisionName } from '../../src/core/names.ts'
import type { ServiceHistory } from '../../src/kserve/history.ts'
import { noReplicas } from '../../src/kserve/observation.ts'
import { reconcileService } from '../../src/kserve/reconcile.ts'
import type { ReconciledService } from '../../src/kserve/reconcile.ts'
import type { CaseResult } from './case-result.ts'
import { differencesOf } from './differences.ts'
import { objectsOf } from './kserve-scenario-objects.ts'
import { readManifest } from './kserve-scenario-service.ts'
import type { Accepted } from './kserve-scenario-service.ts'

const scenarioSchema = z.object({
  scenario: z.string(),
  steps: z.array(
    z.object({
      step: z.string(),
      file: z.string(),
      accepted: z.boolean().optional(),
      message: z.string().optional(),
      status: z.record(z.string(), z.unknown()).optional(),
      objects: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
})

export type Scenario = z.infer<typeof scenarioSchema>
export type ScenarioStep = Scenario['steps'][number]

/** The scenarios' word for a revision whose model never becomes ready. */
export const UNREADY = 'oracle.test/unready'

const DOMAIN_TEMPLATE = {
  Knative: '{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}',
  Standard: '{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}',
} as const

/** More looks than any rollout needs to settle: the first creates, the second sees it ready. */
const LOOKS = 4

/**
 * Replays `dir/scenarios/*`: each step's manifest is applied, its revisions become ready, and the refusal or
 * the whole status, the traffic and the weights are compared with KServe's. One case per step.
 */
export async function runScenarios(dir: string): Promise<CaseResult[]> {
  return readScenarios(dir).flatMap(runScenario)
}

/** The scenarios of `dir/scenarios`, each with the folder of its manifests. */
export function readScenarios(dir: string): { readonly folder: string; readonly scenario: Scenario }[] {
  const all = join(dir, 'scenarios')
  const names = readdirSync(all, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted()
  return names.map((name) => {
    const folder = join(all, name)
    const expected: unknown = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'))
    return { folder, scenario: scenarioSchema.parse(expected) }
  })
}

function runScenario({ folder, scenario }: ReturnType<typeof readScenarios>[number]): CaseResult[] {
  const cluster = new ScenarioCluster()
  return scenario.steps.map((step): CaseResult => {
    const name = `${scenario.scenario}: ${step.step}`
    const refusal = cluster.apply(readFileSync(join(folder, step.file), 'utf8'), step.file)
    const differences =
      step.accepted === true
        ? acceptedDifferences(step, refusal, cluster)
        : differencesOf('message', step.message, refusal)
    return differences.length === 0 ? { name } : { name, failure: differences.join('\n') }
  })
}

function acceptedDifferences(
  step: ScenarioStep,
  refusal: string | undefined,
  cluster: ScenarioCluster,
): string[] {
  const { result } = cluster
  const desired = cluster.accepted?.desired
  if (refusal !== undefined || desired === undefined || result === undefined) {
    return [`refused: ${refusal ?? 'nothing was applied'}; KServe accepts it`]
  }
  return [
    ...(step.status === undefined ? [] : differencesOf('status', step.status, asGoWrites(result.status))),
    ...Object.entries(objectsOf(step.objects, desired, result)).flatMap(([kind, { wanted, got }]) =>
      differencesOf(kind, wanted, got),
    ),
  ]
}

/** One namespace with KServe, on which every revision becomes ready unless its manifest says otherwise. */
class ScenarioCluster {
  accepted: Accepted | undefined
  result: ReconciledService | undefined
  #history: ServiceHistory | undefined
  #nowMs = 0
  readonly #unready = new Set<RevisionName>()

  /** Applies a manifest and lets it settle; returns the refusal, if it is refused. */
  apply(text: string, file: string): string | undefined {
    const verdict = readManifest(text, file, this.accepted)
    if ('refusal' in verdict) return verdict.refusal
    this.accepted = verdict
    for (let look = 0; look < LOOKS; look += 1) this.#reconcile(verdict.desired)
    return undefined
  }

  #reconcile(desired: DesiredService): void {
    const known = new Set(this.result?.revisions.map((revision) => revision.name))
    this.#nowMs += 1000
    this.result = reconcileService({
      desired,
      history: this.#history,
      observe: (revision) =>
        this.#unready.has(revision) || !known.has(revision)
          ? noReplicas
          : { ...noReplicas, readyReplicas: 1, totalReplicas: 1, phase: 'ready' },
      nowMs: this.#nowMs,
      options: {
        strict: true,
        keep: 20,
        urls: {
          domainTemplate: DOMAIN_TEMPLATE[desired.deploymentMode],
          pathTemplate: '',
          ingressDomain: 'example.com',
          urlScheme: 'http',
        },
      },
    })
    this.#history = this.result.history
    if (desired.annotations[UNREADY] !== 'true') return
    for (const { name } of this.result.revisions) if (!known.has(name)) this.#unready.add(name)
  }
}

/** Times are left open in the expected answers, and Go leaves a total of 0 out. */
export function asGoWrites(status: unknown): unknown {
  return JSON.parse(
    JSON.stringify(status, (key, value: unknown) => {
      if (key === 'lastTransitionTime' || key === 'time') return null
      return key === 'totalCopies' && value === 0 ? undefined : value
    }),
  )
}
