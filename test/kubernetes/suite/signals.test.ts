import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/core/decision.ts'
import { testbed, TestNamespace } from './cluster.ts'
import { Installation, kubectl } from './installation.ts'
import { standInService } from './services.ts'

const engineServer = fileURLToPath(new URL('../../fixtures/engine-server.ts', import.meta.url))

/** Replicas run a program of this machine, which only pods of the test bed can see. */
describe.skipIf(testbed === undefined)('a service on Kubernetes is scaled', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-signals-'))
  let pilotlight: Installation
  let space: TestNamespace
  let token: string

  beforeAll(async () => {
    pilotlight = await Installation.open()
    space = await TestNamespace.make('signals')
    const account = ['pilotlight-admin', '--namespace', pilotlight.namespace]
    token = (await kubectl('create', 'token', ...account)).trim()
  })
  afterAll(async () => {
    await space[Symbol.asyncDispose]()
    await pilotlight[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  /** What all replicas of a service say from now on. */
  function say(service: string, state: Readonly<Record<string, number>>): void {
    const file = join(folder, `${service}.json`)
    writeFileSync(`${file}.new`, JSON.stringify(state))
    renameSync(`${file}.new`, file)
  }

  function engine(
    name: string,
    parts: { readonly annotations: Readonly<Record<string, string>>; readonly predictor?: object },
  ): object {
    say(name, {})
    const state = `/engine-state/${name}.json`
    return standInService(name, {
      annotations: parts.annotations,
      predictor: {
        minReplicas: 1,
        maxReplicas: 3,
        autoScaling: { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } },
        volumes: [{ name: 'state', hostPath: { path: folder } }],
        ...parts.predictor,
      },
      container: {
        command: [process.execPath, engineServer, '--host=0.0.0.0', '--port=8080', `--state=${state}`],
        ports: [{ containerPort: 8080 }],
        volumeMounts: [{ name: 'state', mountPath: '/engine-state' }],
        readinessProbe: { httpGet: { path: '/', port: 8080 } },
      },
    })
  }

  async function why(service: string): Promise<readonly Decision[]> {
    const path = `/api/v1/namespaces/${space.name}/revisions/${service}-predictor-00001/decisions`
    const { status, body } = await pilotlight.admin(path, token)
    expect(status).toBe(200)
    const decisions: Decision[] = JSON.parse(body)
    return decisions
  }

  it("by what its pods' engines say, up and down", async () => {
    await space.apply(
      engine('cache', {
        annotations: {
          'serving.kserve.io/autoscalerClass': 'hpa',
          'serving.kserve.io/metric': 'kv-cache',
          'serving.kserve.io/targetUtilizationPercentage': '50',
        },
      }),
    )
    await space.waitFor('condition=Ready', 'inferenceservice/cache', 60)
    say('cache', { kv: 0.95 })
    await space.waitFor('jsonpath={.status.readyReplicas}=3', 'deployment/cache-predictor-00001', 90)
    const up = (await why('cache')).find(({ replicas }) => replicas === 3)
    expect(up?.signals.find(({ binding }) => binding)?.name).toBe('pods metric kv-cache')
    say('cache', { kv: 0.05 })
    await space.waitFor('jsonpath={.status.replicas}=1', 'deployment/cache-predictor-00001', 90)
  })

  it('not at all where nobody measures, and says so', async () => {
    await space.apply(
      engine('burning', {
        annotations: { 'serving.kserve.io/deploymentMode': 'Standard' },
        predictor: { scaleMetric: 'cpu', scaleTarget: 50 },
      }),
    )
    await space.waitFor('condition=Ready', 'inferenceservice/burning', 60)
    const reasons = async (): Promise<string> =>
      (await why('burning')).flatMap(({ signals }) => signals.map(({ reason = '' }) => reason)).join('; ')
    await expect.poll(reasons, { timeout: 60_000 }).toContain('the cluster has no metrics.k8s.io')
    expect(await space.field('deployment/burning-predictor-00001', '.spec.replicas')).toBe('1')
  })
})
