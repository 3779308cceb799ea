import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { SystemClock } from '../../../src/core/clock.ts'
import { testbed, TestNamespace } from './cluster.ts'
import { Installation, kubectl } from './installation.ts'
import { irisService } from './services.ts'
import { Traffic } from './traffic.ts'

/** How long something is away; an hour of operation would show no more. */
const AWAY_MS = Number(process.env['PILOTLIGHT_TEST_AWAY_SECONDS'] ?? '20') * 1_000

const clock = new SystemClock()
let pilotlight: Installation
let space: TestNamespace

beforeAll(async () => {
  pilotlight = await Installation.open()
  space = await TestNamespace.make('faults')
  await space.apply(
    irisService('warm', { predictor: { minReplicas: 2, affinity: apart('warm') } }),
    irisService('cold', {
      predictor: { minReplicas: 0 },
      annotations: { 'autoscaling.knative.dev/window': '6s' },
    }),
  )
  await space.waitFor('condition=Ready', 'inferenceservice --all', 120)
  await space.waitFor('jsonpath={.status.readyReplicas}=2', 'deployment warm-predictor-00001')
})
afterAll(async () => {
  await space[Symbol.asyncDispose]()
  await pilotlight[Symbol.asyncDispose]()
})
afterEach(async () => {
  await kubectl('rollout', 'status', 'deployment', '--namespace', pilotlight.namespace, '--timeout=120s')
  await pilotlight.findGateways()
})

/** One replica per node, where there is more than one. */
function apart(service: string): object {
  const labelSelector = { matchLabels: { 'pilotlight.dev/inferenceservice': service } }
  const term = { labelSelector, topologyKey: 'kubernetes.io/hostname' }
  return {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }],
    },
  }
}

/** Ends a pod as a machine that loses power ends it: nobody is told. */
async function killPod(name: string): Promise<void> {
  await kubectl('delete', 'pod', name, '--namespace', pilotlight.namespace, '--grace-period=0', '--force')
}

/** Nodes and addresses of the gateways. */
async function gatewayPlaces(): Promise<readonly (readonly [node: string, address: string, name: string])[]> {
  const lines = await kubectl(
    'get',
    'pods',
    '--namespace',
    pilotlight.namespace,
    '--selector',
    'app.kubernetes.io/component=gateway',
    '--output',
    'jsonpath={range .items[*]}{.spec.nodeName} {.status.podIP} {.metadata.name}{"\\n"}{end}',
  )
  return lines
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([node = '', address = '', name = '']) => [node, address, name])
}

/** Those that were killed may have come back beside each other: one of them moves. */
async function spreadGateways(): Promise<void> {
  const [first, ...others] = await gatewayPlaces()
  if (first === undefined || others.some(([node]) => node !== first[0])) return
  await kubectl('cordon', first[0])
  try {
    await kubectl('delete', 'pod', first[2], '--namespace', pilotlight.namespace)
    await kubectl('rollout', 'status', 'deployment', '--namespace', pilotlight.namespace, '--timeout=120s')
  } finally {
    await kubectl('uncordon', first[0])
  }
}

async function leader(): Promise<string> {
  const holder = await kubectl(
    'get',
    'lease',
    'pilotlight-controller',
    '--namespace',
    pilotlight.namespace,
    '--output',
    'jsonpath={.spec.holderIdentity}',
  )
  return holder.replace(/_[^_]*$/, '')
}

function asleep(): Promise<void> {
  return space.waitFor('jsonpath={.spec.replicas}=0', 'deployment cold-predictor-00001', 90)
}

describe('warm requests go on, and sleepers are woken,', () => {
  test('when the leader is killed; another leads within 10 s', async () => {
    const before = await leader()
    await using traffic = new Traffic(2, () => pilotlight.predict('warm', space.name))
    const killedMs = clock.now()
    await killPod(before)
    const seen = [before]
    while (seen.at(-1) === before || seen.at(-1) === '') seen.push(await leader())
    expect((clock.now() - killedMs) / 1_000).toBeLessThan(10)
    expect((await pilotlight.predict('cold', space.name)).status).toBe(200)
    expect(traffic.failures).toEqual([])
  })

  test('when a gateway is killed: only its own connections end', async () => {
    const [killed = '', other = ''] = await pilotlight.findGateways()
    await using traffic = new Traffic(2, () =>
      pilotlight.ask(`warm.${space.name}.example.com`, '/v1/models/warm', { gateway: other }),
    )
    const name = await kubectl(
      'get',
      'pods',
      '--namespace',
      pilotlight.namespace,
      '--field-selector',
      `status.podIP=${killed}`,
      '--output',
      'jsonpath={.items[0].metadata.name}',
    )
    await killPod(name)
    await traffic.next(200)
    expect(traffic.failures).toEqual([])
  })

  test.runIf(testbed !== undefined)('when Redis says nothing', async () => {
    const pid = Number(process.env['PILOTLIGHT_TEST_REDIS_PID'])
    await asleep()
    const ordered = await space.field('deployment warm-predictor-00001', '.spec.replicas')
    process.kill(pid, 'SIGSTOP')
    try {
      await using traffic = new Traffic(2, () => pilotlight.predict('warm', space.name))
      // No leader hears of it: after 2 s the gateway orders the first replica itself.
      expect((await pilotlight.predict('cold', space.name)).status).toBe(200)
      await pause(AWAY_MS)
      expect(traffic.failures).toEqual([])
      expect(await space.field('deployment warm-predictor-00001', '.spec.replicas')).toBe(ordered)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await asleep()
  })

  test.runIf(testbed !== undefined)('when the API server is away', async () => {
    await using traffic = new Traffic(2, () => pilotlight.predict('warm', space.name))
    await testbed?.kill('kube-apiserver')
    try {
      await pause(AWAY_MS)
      expect(traffic.failures).toEqual([])
    } finally {
      await testbed?.restart('kube-apiserver')
    }
    await asleep()
    expect((await pilotlight.predict('cold', space.name)).status).toBe(200)
    expect(traffic.failures).toEqual([])
  })

  test.runIf(testbed !== undefined)('when a node loses its power', async () => {
    await spreadGateways()
    const nodes = await space.field(
      'pods --selector pilotlight.dev/inferenceservice=warm',
      '.items[*].spec.nodeName',
    )
    const places = await gatewayPlaces()
    // A node with a replica, but not with all gateways.
    const lost = nodes.split(' ').find((node) => places.some(([other]) => other !== node)) ?? ''
    const alive = places.find(([node]) => node !== lost)?.[1]
    if (lost === '' || alive === undefined)
      throw new Error(`replicas on ${nodes}, gateways: ${places.join('; ')}`)
    await using traffic = new Traffic(2, () =>
      pilotlight.ask(`warm.${space.name}.example.com`, '/v1/models/warm', { gateway: alive }),
    )
    await traffic.next(20)
    await testbed?.kill(`node:${lost}`)
    try {
      await traffic.next(200)
      expect(traffic.failures).toEqual([])
    } finally {
      await testbed?.restart(`node:${lost}`)
    }
  })
})
