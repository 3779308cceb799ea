import { beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeCluster, MORE_KINDS } from '../cluster/fake-cluster.ts'
import { FakeTerminal } from '../fake-terminal.ts'
import { KINDS, type KubeObject } from '../../kubernetes/api/index.ts'

const cli = new FakeTerminal()
const cluster = new FakeCluster()
const BINDINGS = MORE_KINDS.find(({ plural }) => plural === 'clusterrolebindings')!
const around = () => ({ env: { KUBECONFIG: cluster.kubeconfig } })
const { customResourceDefinitions: CRDS, deployments: DEPLOYMENTS, inferenceServices: ISVC } = KINDS

/** What the API server and the Deployments' controller do by themselves. */
function behave(isReady: () => boolean = () => true): void {
  cluster.api.store.onEvent(({ kind, type, object }) => {
    if (type === 'DELETED' || 'status' in object) return
    if (kind === CRDS) {
      const status = { conditions: [{ type: 'Established', status: 'True' }] }
      queueMicrotask(() => cluster.api.store.put(CRDS, { ...object, status }))
    }
    if (kind === DEPLOYMENTS && isReady()) queueMicrotask(() => makeReady(object))
  })
}

function makeReady(object: KubeObject & { readonly spec?: { readonly replicas?: number } }): void {
  const replicas = object.spec?.replicas ?? 1
  const counts = { replicas, updatedReplicas: replicas, availableReplicas: replicas }
  const status = { observedGeneration: object.metadata.generation, ...counts }
  cluster.api.store.put(DEPLOYMENTS, { ...object, status })
}

describe('install', () => {
  it('applies all in order, waits until it is ready and says what to do next', async () => {
    behave()
    const { code, out, err } = await cli.result('install', around())
    expect([code, err]).toEqual([0, ''])
    const lines = out.split('\n')
    expect(lines[0]).toBe('namespace/pilotlight created')
    expect(out.indexOf('inferenceservices.serving.kserve.io created')).toBeLessThan(
      out.indexOf('deployment.apps/pilotlight-controller created'),
    )
    expect(out).toContain('Pilotlight runs in namespace pilotlight. Next:\n  pilotlight doctor')
    const writes = cluster.api.writes.map(({ kind, query }) => `${kind.kind} ${query.get('fieldManager')}`)
    expect(writes[0]).toBe('Namespace pilotlight-cli')
    const again = await cli.result('install', around())
    expect(again.out.split('\n').filter((line) => / created$| configured$/.test(line))).toEqual([])
  })

  it('takes settings and another namespace', async () => {
    behave()
    expect((await cli.result('install -n infra --set gateway.replicas=4', around())).code).toBe(0)
    expect(cluster.api.store.get(DEPLOYMENTS, 'infra/pilotlight-gateway')?.['spec']).toMatchObject({
      replicas: 4,
    })
  })

  it('shows how far it is, and gives up after its timeout', async () => {
    behave(() => false)
    const { seen, finished, clock } = cli.start('install --timeout 5', around())
    const end = { code: -1 }
    void finished.then((code) => (end.code = code))
    while (end.code < 0) {
      // The pause before the next look has begun, or it is over.
      await vi.waitFor(() => {
        const isPausing = (clock.nextDueMs() ?? Number.POSITIVE_INFINITY) <= clock.now() + 1000
        expect(isPausing || end.code >= 0).toBe(true)
      })
      await clock.advance(1000)
    }
    expect(end.code).toBe(1)
    expect(seen.err).toContain(
      'waiting for pilotlight-controller 0 of 2 ready, pilotlight-gateway 0 of 2 ready',
    )
    expect(seen.err).toContain('not within 5s. What was applied stays; see: pilotlight doctor')
  })

  it('writes nothing with --dry-run', async () => {
    const { code, out } = await cli.result('install --dry-run', around())
    expect([code, out.split('\n')[0]]).toEqual([0, 'namespace/pilotlight created (dry run)'])
    expect(cluster.api.store.all(KINDS.namespaces)).toEqual([])
    expect(cluster.api.store.all(CRDS)).toEqual([])
  })

  it("leaves KServe's CRDs and what Helm made alone", async () => {
    const crd = (labels: Record<string, string>) => ({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'inferenceservices.serving.kserve.io', labels },
    })
    cluster.api.store.put(CRDS, crd({}))
    expect(await cli.result('install', around())).toMatchObject({
      code: 1,
      err: expect.stringContaining("not Pilotlight's: inferenceservices.serving.kserve.io"),
    })
    cluster.api.store.put(CRDS, crd({ 'app.kubernetes.io/part-of': 'pilotlight' }))
    const path = 'validatingwebhookconfigurations/inferenceservice.serving.kserve.io'
    cluster.answers.set(`/apis/admissionregistration.k8s.io/v1/${path}`, {
      kind: 'ValidatingWebhookConfiguration',
    })
    expect((await cli.result('install', around())).err).toContain('--set mode=adopt')
    cluster.api.store.put(BINDINGS, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: {
        name: 'pilotlight-controller',
        labels: { 'app.kubernetes.io/managed-by': 'Helm' },
        annotations: { 'meta.helm.sh/release-name': 'pl' },
      },
      subjects: [{ kind: 'ServiceAccount', name: 'pilotlight-controller', namespace: 'infra' }],
    })
    expect((await cli.result('install', around())).err).toContain('use helm upgrade pl -n infra')
    expect((await cli.result('uninstall', around())).err).toContain('use helm uninstall pl -n infra')
    expect(cluster.api.writes).toEqual([])
  })

  it('is in one namespace of a cluster, and nothing of it is deleted through another', async () => {
    behave()
    expect((await cli.result('install -n infra', around())).code).toBe(0)
    const before = cluster.api.writes.length
    for (const command of ['install', 'uninstall', 'uninstall --crds --yes']) {
      const [verb] = command.split(' ')
      expect(await cli.result(command, around())).toMatchObject({
        code: 1,
        err: expect.stringContaining(`a cluster has it once: use pilotlight ${verb} -n infra`),
      })
    }
    expect(cluster.api.writes.length).toBe(before)
  })

  it('refuses a setting before it reads or writes anything', async () => {
    expect(await cli.result('install --set mode=adopt', around())).toMatchObject({
      code: 2,
      err: expect.stringContaining('mode needs the chart'),
    })
    expect(cluster.api.requests).toEqual([])
  })
})

describe('uninstall', () => {
  const service = {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { namespace: 'ml', name: 'iris' },
  }

  beforeEach(async () => {
    behave()
    await cli.result('install', around())
    cluster.api.store.put(ISVC, service)
  })

  it('keeps the CRDs, the InferenceServices and the namespace', async () => {
    const { code, out } = await cli.result('uninstall', around())
    expect([code, out]).toEqual([0, expect.stringContaining('deployment.apps "pilotlight-gateway" deleted')])
    expect(out).toContain('Left: its CRDs, all InferenceServices with their pods')
    expect(cluster.api.store.all(DEPLOYMENTS)).toEqual([])
    expect(cluster.api.store.all(CRDS)).toHaveLength(5)
    expect(cluster.api.store.all(ISVC)).toHaveLength(1)
    expect((await cli.result('uninstall', around())).err).toBe(
      'Nothing of Pilotlight is in namespace pilotlight.\n',
    )
  })

  it('deletes CRDs only after it has shown what goes with them', async () => {
    const shown = await cli.result('uninstall --crds', around())
    expect([shown.code, shown.err]).toEqual([1, expect.stringContaining('nothing was deleted')])
    expect(shown.out).toContain(
      'CustomResourceDefinition inferenceservices.serving.kserve.io and all its objects',
    )
    expect(shown.out).toContain('InferenceService ml/iris and its pods')
    expect(cluster.api.store.all(CRDS)).toHaveLength(5)
    expect((await cli.result('uninstall --crds --yes', around())).code).toBe(0)
    expect(cluster.api.store.all(CRDS)).toEqual([])
  })
})
