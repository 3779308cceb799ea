import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ApiClient } from '../../../src/kubernetes/index.ts'
import { openClient } from './client.ts'
import { testbed, TestNamespace } from './cluster.ts'
import { allWrites, callsIn, grantedIn, may, type Calls, type Permission, type Write } from './grants.ts'
import { Installation, kubectl } from './installation.ts'
import { irisService } from './services.ts'

/** Granted, and yet no test makes use of it: why it has to be granted. */
const UNUSED: Readonly<Record<Permission, string>> = {}

const ACCOUNTS = ['pilotlight-controller', 'pilotlight-gateway']

let pilotlight: Installation
let client: ApiClient

beforeAll(async () => {
  pilotlight = await Installation.open()
  client = await openClient()
})
afterAll(async () => {
  await client[Symbol.asyncDispose]()
  await pilotlight[Symbol.asyncDispose]()
})

/** Runs after all other tests: the API server's audit log has what they made the product do. */
describe.skipIf(testbed === undefined)('the service accounts', () => {
  const bed = testbed!
  let space: TestNamespace
  beforeAll(async () => {
    space = await TestNamespace.make('permissions')
  })
  afterAll(() => space[Symbol.asyncDispose]())

  const calls = (): Calls => callsIn(bed.auditLog)

  test('do by themselves all that the product ever does', async () => {
    // The download's credentials, replicas up and down, and a refusal that is said twice.
    await space.apply(
      irisService('sleeper', {
        predictor: { minReplicas: 0 },
        annotations: { 'autoscaling.knative.dev/window': '6s' },
      }),
      canaried([{ trafficPercent: 20, predictor: { ...model('2'), name: 'v2' } }]),
    )
    await space.waitFor('condition=Ready', 'inferenceservice --all', 90)
    // What was made for a canary that is gone is deleted.
    await space.apply(canaried([]))
    await space.waitFor('delete', 'deployment canaried-predictor-v2-00001', 60)
    for (const window of ['7 bananas', '6s', '7 bananas', '6s']) {
      const refused = window === '6s' ? '' : 'False'
      await space.kubectl(
        'annotate',
        '--overwrite',
        'inferenceservice',
        'sleeper',
        `autoscaling.knative.dev/window=${window}`,
      )
      const condition = '{.status.conditions[?(@.type=="SpecAccepted")].status}'
      await expect
        .poll(() => space.kubectl('get', 'inferenceservice', 'sleeper', '-o', `jsonpath=${condition}`), {
          timeout: 30_000,
        })
        .toBe(refused)
    }
    // Who asks the admin API, and what they may see.
    await pilotlight.admin('/api/v1/revisions', 'a token of nobody')
    const token = await kubectl('create', 'token', 'default', '--namespace', space.name)
    await pilotlight.admin(`/api/v1/revisions?namespace=${space.name}`, token.trim())
    // A gateway that no leader answers.
    await space.waitFor('jsonpath={.spec.replicas}=0', 'deployment sleeper-predictor-00001', 90)
    await space.waitFor('delete', 'pods --selector pilotlight.dev/inferenceservice=sleeper', 60)
    const redis = Number(process.env['PILOTLIGHT_TEST_REDIS_PID'])
    process.kill(redis, 'SIGSTOP')
    try {
      expect((await pilotlight.predict('sleeper', space.name)).status).toBe(200)
    } finally {
      process.kill(redis, 'SIGCONT')
    }
  })

  test('are granted nothing that they do not use', async () => {
    const granted = await grantedIn(client, pilotlight.namespace, ACCOUNTS)
    expect([...granted].some((each) => each.startsWith('pilotlight-gateway: '))).toBe(true)
    // An event that is said again waits for a while before it is written.
    await expect
      .poll(() => without(granted, calls().used).filter((each) => UNUSED[each] === undefined), {
        timeout: 60_000,
        interval: 1_000,
      })
      .toEqual([])
    expect(Object.keys(UNUSED).filter((each) => !granted.has(each))).toEqual([])
  })

  test('do nothing that they are not granted', async () => {
    const granted = await grantedIn(client, pilotlight.namespace, ACCOUNTS)
    const { used, refused } = calls()
    expect(refused).toEqual([])
    expect(without(used, granted)).toEqual([])
  })

  function canaried(canary: readonly object[]): object {
    const annotations = {
      'serving.kserve.io/deploymentMode': 'Standard',
      'serving.kserve.io/autoscalerClass': 'none',
    }
    return {
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name: 'canaried', annotations },
      spec: { predictor: { ...model('1'), minReplicas: 1 }, canary },
    }
  }
})

function without(some: ReadonlySet<Permission>, others: ReadonlySet<Permission>): readonly Permission[] {
  return [...some].filter((each) => !others.has(each))
}

function model(version: string): object {
  const storageUri = `gs://models/sklearn/iris/${version}`
  return { minReplicas: 1, model: { modelFormat: { name: 'sklearn' }, storageUri } }
}

describe('a gateway', () => {
  test('may write nothing in the whole API but the number of replicas', async () => {
    const writes = await allWrites(client)
    // What everybody may, such as asking what they may.
    const nobody = { name: 'default', namespace: pilotlight.namespace }
    const gateway = { name: 'pilotlight-gateway', namespace: pilotlight.namespace }
    expect(writes.length).toBeGreaterThan(200)
    for (const namespace of [undefined, 'default', 'kube-system', pilotlight.namespace]) {
      const allowed: Write[] = []
      for (const write of writes) {
        if (!(await may(client, gateway, write, namespace))) continue
        if (!(await may(client, nobody, write, namespace))) allowed.push(write)
      }
      const scale = { group: 'apps', resource: 'deployments/scale', verb: 'patch' }
      expect({ namespace, allowed }).toEqual({ namespace, allowed: [scale] })
    }
  })
})
