import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { differencesOf } from '../../conformance/differences.ts'
import { weightsIn } from '../../conformance/kserve-scenario-objects.ts'
import { asGoWrites, readScenarios, UNREADY, type ScenarioStep } from '../../conformance/kserve-scenarios.ts'
import { sharedDir } from '../../support/shared.ts'
import { TestNamespace } from './cluster.ts'
import { Installation } from './installation.ts'

const SETTLED_WITHIN = { timeout: 90_000, interval: 500 }
const scenarios = sharedDir === undefined ? [] : readScenarios(join(sharedDir, 'kserve'))

let pilotlight: Installation
beforeAll(async () => {
  pilotlight = await Installation.open()
})
afterAll(() => pilotlight[Symbol.asyncDispose]())

/** Left out where the acceptance cases are not beside this repository: PILOTLIGHT_SHARED. */
describe.skipIf(sharedDir === undefined)("KServe's rollouts, step by step on a cluster", () => {
  it('are there', () => expect(scenarios.length).toBeGreaterThan(0))

  it.each(scenarios)('$scenario.scenario', async ({ folder, scenario }) => {
    await using space = await TestNamespace.make('scenario')
    let standing: unknown
    for (const step of scenario.steps) {
      const manifest = manifestSchema.parse(parse(readFileSync(join(folder, step.file), 'utf8')))
      const { name, annotations } = manifest.metadata
      await holdBack(space, annotations[UNREADY] === 'true')
      const refusal = refusalOf(scenario.scenario, step)
      const answer = await space.apply(manifest).then(
        () => 'accepted',
        (error: Error) => error.message,
      )
      expect(answer).toContain(refusal ?? 'accepted')
      if (refusal === undefined) standing = expectedOf(scenario.scenario, step, space.name)
      await expect
        .poll(async () => {
          const { metadata, status } = liveSchema.parse(
            JSON.parse(await space.kubectl('get', 'inferenceservice', name, '--output', 'json')),
          )
          if (status?.observedGeneration !== metadata.generation) return 'an older manifest is shown'
          return differencesOf('status', standing, asKServeShows(status))
        }, SETTLED_WITHIN)
        .toEqual([])
      const weights = weightsIn(step.objects)
      expect(await Promise.all(weights.map(({ name: route }) => weightsOf(space, name, route)))).toEqual(
        weights,
      )
    }
  })
})

const manifestSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string(), annotations: z.record(z.string(), z.string()).default({}) }),
})

/** No pod of a new revision finds room while the scenario says that its model never becomes ready. */
async function holdBack(space: TestNamespace, isHeldBack: boolean): Promise<void> {
  if (isHeldBack) {
    const pods = (await space.field('pods', '.items[*].metadata.name')).split(' ').length
    await space.kubectl('create', 'quota', 'unready', `--hard=pods=${pods}`)
    await space.waitFor('jsonpath={.status.used.pods}', 'resourcequota unready')
  } else await space.kubectl('delete', 'resourcequota', '--all')
}

/** Where KServe accepts what we mean to refuse: docs/conformance.md. */
const REFUSED: Readonly<Record<string, string>> = {
  'canary-150: 150 %': 'canaryTrafficPercent',
  'canary-150: -5 %': 'canaryTrafficPercent',
}

function refusalOf(scenario: string, step: ScenarioStep): string | undefined {
  return step.accepted === true ? REFUSED[`${scenario}: ${step.step}`] : step.message
}

const routeSchema = z.object({
  spec: z.object({
    routes: z.array(
      z.object({
        name: z.string(),
        match: z.unknown(),
        split: z.array(z.object({ revision: z.string(), percent: z.number() })),
      }),
    ),
  }),
})

/** The split of one of a service's routes, as KServe's HTTPRoute would have it. */
async function weightsOf(space: TestNamespace, service: string, route: string): Promise<unknown> {
  const text = await space.kubectl('get', 'inferenceroute', service, '--output', 'json')
  const { routes } = routeSchema.parse(JSON.parse(text)).spec
  const found = routes.find(({ name, match }) => name === `${space.name}/${route}` && match === 'all')
  const backendRefs = found?.split.map(({ revision, percent }) => ({
    name: revision.replace(/^.*\//, '').replace(/-\d{5}$/, ''),
    ...(found.split.length === 1 ? {} : { weight: percent }),
  }))
  return { name: route, backendRefs }
}

type Replacements = readonly (readonly [string, string])[]

/** What we show differently, as it stands in the JSON of KServe's status. */
const SHOWN_DIFFERENTLY: Readonly<Record<string, Replacements>> = {
  // We say why: Knative's messages, and what keeps the pods away.
  'unready-canary: v2 never ready, canary 10': [
    [
      '"severity":"Info","status":"Unknown","type":"PredictorConfigurationReady"',
      '"severity":"Info","status":"Unknown","type":"PredictorConfigurationReady","reason":"RevisionMissing"',
    ],
    [
      '"reason":"RevisionMissing","status":"Unknown"',
      `"reason":"RevisionMissing","status":"Unknown","message":${JSON.stringify(
        'Configuration "my-model-predictor" is waiting for a Revision to become ready.',
      )}`,
    ],
    [
      '"transitionStatus":"InProgress"',
      '"transitionStatus":"InProgress","lastFailureInfo":{"reason":"RuntimeUnhealthy"}',
    ],
  ],
}

/** KServe's status in our namespace; the hosts of both modes are made by one template. */
function expectedOf(scenario: string, step: ScenarioStep, namespace: string): unknown {
  let text = JSON.stringify(step.status)
    .replaceAll('.default.', `.${namespace}.`)
    .replaceAll('-default.', `.${namespace}.`)
  for (const [from, to] of SHOWN_DIFFERENTLY[`${scenario}: ${step.step}`] ?? []) {
    expect(text).toContain(from)
    text = text.replaceAll(from, to)
  }
  return JSON.parse(text)
}

const statusSchema = z.looseObject({
  observedGeneration: z.number().optional(),
  deploymentMode: z.string().optional(),
  components: z.record(z.string(), z.looseObject({ url: z.string().optional() })).optional(),
  canaryStatuses: z.array(z.looseObject({ name: z.string() })).optional(),
  modelStatus: z
    .looseObject({
      copies: z.looseObject({ totalCopies: z.number().optional() }).optional(),
      lastFailureInfo: z.looseObject({ reason: z.string() }).optional(),
    })
    .optional(),
})
const liveSchema = z.looseObject({
  metadata: z.looseObject({ generation: z.number() }),
  status: statusSchema.optional(),
})

/** Our status without what we show beyond KServe. */
function asKServeShows(status: z.infer<typeof statusSchema>): unknown {
  const { observedGeneration: _, components, canaryStatuses, modelStatus, ...rest } = status
  const { copies, lastFailureInfo } = modelStatus ?? {}
  return asGoWrites({
    ...rest,
    ...(components === undefined
      ? {}
      : {
          components:
            status.deploymentMode === 'Knative'
              ? components
              : // Standard mode has revisions, too.
                Object.fromEntries(Object.entries(components).map(([kind, { url }]) => [kind, { url }])),
        }),
    ...(canaryStatuses === undefined
      ? {}
      : {
          canaryStatuses: canaryStatuses.map((canary) => ({
            ...canary,
            modelStatus: { transitionStatus: '' },
          })),
        }),
    modelStatus: {
      ...modelStatus,
      // Where and when, and in which words, is different each time.
      ...(lastFailureInfo === undefined ? {} : { lastFailureInfo: { reason: lastFailureInfo.reason } }),
      // The cases were recorded with one pod, whatever the number asked for.
      ...(copies === undefined
        ? {}
        : { copies: { ...copies, totalCopies: Math.min(1, copies.totalCopies ?? 0) } }),
    },
  })
}
