import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SystemClock } from '../../../src/core/clock.ts'
import { testbed, TestNamespace } from './cluster.ts'
import { Endpoints } from './endpoints.ts'
import { helm, Installation, IRIS, kubectl, type Answer } from './installation.ts'
import { irisService } from './services.ts'
import { shares, Traffic } from './traffic.ts'

/**
 * What is proven with every kubelet, the real one included: there the pods run the project's own image. That one node has
 * as many processors as this machine, so that most pods here ask for little.
 */
const LITTLE = { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: '2', memory: '1Gi' } }
const HOST = 'sklearn-iris.ml-serving.example.com'
const STABLE = 'sklearn-iris-predictor-00001'
const CANARY = 'sklearn-iris-predictor-00002'
const IRIS_SERVICE = 'inferenceservice sklearn-iris'

/** As many people have it, in this namespace. */
const sklearnIris = {
  apiVersion: 'serving.kserve.io/v1beta1',
  kind: 'InferenceService',
  metadata: { name: 'sklearn-iris', namespace: 'ml-serving' },
  spec: {
    predictor: {
      model: {
        modelFormat: { name: 'sklearn' },
        storageUri: 'gs://kfserving-examples/models/sklearn/1.0/model',
        resources: { requests: { cpu: '1', memory: '2Gi' }, limits: { cpu: '2', memory: '4Gi' } },
      },
    },
  },
}

const sleeper = irisService('sleeper', {
  predictor: { minReplicas: 0 },
  model: { resources: LITTLE },
  annotations: { 'autoscaling.knative.dev/window': '6s' },
})

const clock = new SystemClock()
let pilotlight: Installation
let space: TestNamespace

function predict(options: { readonly headers?: Readonly<Record<string, string>> } = {}): Promise<Answer> {
  return pilotlight.ask(HOST, '/v1/models/sklearn-iris:predict', { body: IRIS, ...options })
}

async function asleep(): Promise<void> {
  await space.waitFor('jsonpath={.spec.replicas}=0', 'deployment sleeper-predictor-00001')
  await space.waitFor('delete', 'pods --selector pilotlight.dev/inferenceservice=sleeper')
}

/** The namespace of the manifest may be somebody's in a cluster that others use. */
describe.skipIf(testbed === undefined)('installed with helm', () => {
  beforeAll(async () => {
    pilotlight = await Installation.open()
    space = await TestNamespace.named('ml-serving')
  })
  afterAll(async () => {
    await space[Symbol.asyncDispose]()
    await pilotlight[Symbol.asyncDispose]()
    // Nobody else uses it there, and what comes next has the machine for itself.
    if (testbed?.kubelet === 'real')
      await helm('uninstall', 'pilotlight', '--namespace', pilotlight.namespace)
  })

  test('Pilotlight is well', async () => {
    expect(await helm('test', 'pilotlight', '--namespace', pilotlight.namespace)).toMatch(/Phase: +Succeeded/)
  })

  test('an InferenceService answers at its URL', async () => {
    // The other one goes to sleep meanwhile.
    await space.apply(sklearnIris, sleeper)
    await space.waitFor('condition=Ready', 'inferenceservice --all', 90)
    expect(await space.field(IRIS_SERVICE, '.status.url')).toBe(`http://${HOST}`)
    const { status, body } = await predict()
    expect([status, body]).toEqual([200, '{"predictions":[1,1]}'])
  })

  test('each patch of canaryTrafficPercent splits requests anew and fails none', async () => {
    await using traffic = new Traffic(2, predict)
    const patch = (predictor: object): Promise<string> => {
      const merge = JSON.stringify({ spec: { predictor } })
      return space.kubectl('patch', ...IRIS_SERVICE.split(' '), '--type=merge', '--patch', merge)
    }
    await patch({ canaryTrafficPercent: 10, model: { resources: LITTLE } })
    const latest = '.status.components.predictor.latestReadyRevision'
    await space.waitFor(`jsonpath={${latest}}=${CANARY}`, IRIS_SERVICE, 90)
    for (const percent of [10, 50, 100, 0]) {
      await patch({ canaryTrafficPercent: percent })
      const patchedMs = clock.now()
      // The answers of the second after the patch may be of either split; those after it are not.
      let answers = await traffic.next(50)
      while ((answers.at(-1)?.atMs ?? 0) < patchedMs + 1_000) answers = await traffic.next(50)
      const after = shares(await traffic.next(400))
      expect(after[CANARY] ?? 0, `canaryTrafficPercent ${percent}`).toBeCloseTo(percent, -0.5)
      expect((after[CANARY] ?? 0) + (after[STABLE] ?? 0)).toBe(100)
    }
    expect(new Set(traffic.failures)).toEqual(new Set())
  })

  test('a service sleeps, wakes for a request, and sleeps again', async () => {
    await asleep()
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => pilotlight.predict('sleeper', 'ml-serving')),
    )
    expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual(
      answers.map(() => '200 {"predictions":[1,1]}'),
    )
    await asleep()
  })

  test('a rolling update of the gateways under load loses no request', async () => {
    const inNamespace = ['--namespace', pilotlight.namespace]
    const podNames = (): Promise<string> =>
      kubectl(
        'get',
        'pods',
        '--selector=app.kubernetes.io/component=gateway',
        '--output=jsonpath={.items[*].metadata.name}',
        ...inNamespace,
      )
    await using gateways = await Endpoints.follow(
      pilotlight.namespace,
      { name: 'pilotlight-gateway', port: 'http' },
      { lateMs: 1_000 },
    )
    const before = (await podNames()).split(' ')
    const ask = async (headers: Readonly<Record<string, string>>): Promise<Answer> => {
      // Without a pause the load takes the processors that the new pods need to start.
      await clock.sleep(10)
      const options = { body: IRIS, gateway: gateways.next(), headers }
      return pilotlight.ask(HOST, '/v1/models/sklearn-iris:predict', options)
    }
    // Connections that are kept see their gateway go, and new ones still reach it.
    await using kept = new Traffic(4, () => ask({}))
    await using fresh = new Traffic(2, () => ask({ connection: 'close' }))
    await kubectl('rollout', 'restart', 'deployment/pilotlight-gateway', ...inNamespace)
    await kubectl('rollout', 'status', 'deployment/pilotlight-gateway', ...inNamespace)
    const old = before.map((name) => `pod/${name}`)
    await kubectl('wait', '--for=delete', ...old, ...inNamespace, '--timeout=90s')
    await Promise.all([kept.next(50), fresh.next(50)])
    expect(new Set([...kept.failures, ...fresh.failures])).toEqual(new Set())
    const after = (await podNames()).split(' ')
    expect(after).toHaveLength(2)
    expect(after.filter((name) => before.includes(name))).toEqual([])
  })
})
