import { beforeEach, describe, expect, it } from 'vitest'
import { SAMPLE_MS } from '../../admin/fake-control-plane.ts'
import { formatRfc3339 } from '../../core/rfc3339.ts'
import { KINDS, type KubeObject } from '../../kubernetes/api/index.ts'
import { Refusal } from '../../kubernetes/api/fake-store.ts'
import { FakeCluster, pod } from '../cluster/fake-cluster.ts'
import { FakeTerminal } from '../fake-terminal.ts'

const cli = new FakeTerminal()
const cluster = new FakeCluster()
const NAMESPACE = 'pilotlight'
const labels = (component: string) => ({
  'app.kubernetes.io/name': 'pilotlight',
  'app.kubernetes.io/component': component,
})

function object(
  apiVersion: string,
  kind: string,
  metadata: KubeObject['metadata'],
  rest: object = {},
): KubeObject {
  return { apiVersion, kind, metadata, ...rest }
}

interface Reviewed {
  readonly spec: { readonly user: string; readonly resourceAttributes: { readonly resource: string } }
}

/** Everything as it should be. */
beforeEach(() => {
  const { store } = cluster.api
  cluster.answers.set('/version', { major: '1', minor: '34', gitVersion: 'v1.34.2' })
  cluster.answers.set('/apis/metrics.k8s.io', { kind: 'APIGroup' })
  cluster.answers.set(
    '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/inferenceservices.pilotlight.dev',
    { kind: 'ValidatingAdmissionPolicy' },
  )
  cluster.answers.set('/apis/authorization.k8s.io/v1/subjectaccessreviews', () => ({
    status: { allowed: true },
  }))
  store.put(
    KINDS.nodes,
    object('v1', 'Node', { name: 'gpu-a' }, { status: { allocatable: { cpu: '8', 'nvidia.com/gpu': '8' } } }),
  )
  const crds = {
    'inferenceservices.serving.kserve.io': 'v1beta1',
    'servingruntimes.serving.kserve.io': 'v1alpha1',
    'clusterservingruntimes.serving.kserve.io': 'v1alpha1',
    'clusterstoragecontainers.serving.kserve.io': 'v1alpha1',
    'inferenceroutes.pilotlight.dev': 'v1alpha1',
  }
  for (const [name, version] of Object.entries(crds)) {
    store.put(
      KINDS.customResourceDefinitions,
      object(
        'apiextensions.k8s.io/v1',
        'CustomResourceDefinition',
        { name, labels: { 'app.kubernetes.io/part-of': 'pilotlight' } },
        {
          spec: { versions: [{ name: version, served: true }] },
          status: { conditions: [{ type: 'Established', status: 'True' }] },
        },
      ),
    )
  }
  for (const component of ['controller', 'gateway', 'redis']) {
    store.put(KINDS.pods, pod(NAMESPACE, `${component}-a`, true, labels(component)))
    store.put(
      KINDS.deployments,
      object(
        'apps/v1',
        'Deployment',
        { namespace: NAMESPACE, name: `pilotlight-${component}`, labels: labels(component) },
        { spec: { replicas: 1, template: { spec: { serviceAccountName: `pilotlight-${component}` } } } },
      ),
    )
  }
  store.put(
    KINDS.leases,
    object(
      'coordination.k8s.io/v1',
      'Lease',
      { namespace: NAMESPACE, name: 'pilotlight-controller' },
      {
        spec: {
          holderIdentity: 'controller-a_1f2e3d4c',
          renewTime: formatRfc3339(SAMPLE_MS),
          leaseDurationSeconds: 8,
        },
      },
    ),
  )
  store.put(
    KINDS.services,
    object(
      'v1',
      'Service',
      { namespace: NAMESPACE, name: 'pilotlight-gateway', labels: labels('gateway') },
      { spec: { type: 'LoadBalancer' }, status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } } },
    ),
  )
  store.put(
    KINDS.endpointSlices,
    object(
      'discovery.k8s.io/v1',
      'EndpointSlice',
      {
        namespace: NAMESPACE,
        name: 'pilotlight-gateway-1',
        labels: { 'kubernetes.io/service-name': 'pilotlight-gateway' },
      },
      { endpoints: [{ conditions: { ready: true } }, { conditions: { ready: false } }] },
    ),
  )
  store.put(
    KINDS.configMaps,
    object(
      'v1',
      'ConfigMap',
      { namespace: NAMESPACE, name: 'pilotlight', labels: labels('config') },
      { data: { 'pilotlight.yaml': 'kubernetes: {adopt: false}\n' } },
    ),
  )
})

const around = () => ({ env: { KUBECONFIG: cluster.kubeconfig } })

describe('doctor', () => {
  it('finds nothing wrong in a cluster as it should be', async () => {
    const { code, out, err } = await cli.result('doctor', around())
    const lines = out.trimEnd().split('\n')
    expect([code, err]).toEqual([0, ''])
    expect(lines[0]).toMatch(/^ +WHAT +WHY +FIX$/)
    const verdicts = lines.slice(1).map((line) => line.split(' ')[0])
    expect(verdicts).toHaveLength(15)
    expect(verdicts.filter((verdict) => verdict !== 'ok')).toEqual([])
    expect(out).toMatch(
      /ok +gateway's Service +pilotlight-gateway \(LoadBalancer\) has 1 ready endpoint, outside at 203\.0\.113\.9/,
    )
    expect(out).toMatch(/ok +leader +controller-a, renewed 0s ago/)
    expect(out).toMatch(/ok +GPUs +8 nvidia\.com\/gpu on 1 node/)
  })

  it('exits with 1 when something fails, and prints JSON', async () => {
    cluster.answers.set('/apis/authorization.k8s.io/v1/subjectaccessreviews', ({ spec }: Reviewed) => ({
      status: {
        allowed: !(
          spec.user === 'system:serviceaccount:pilotlight:pilotlight-gateway' &&
          spec.resourceAttributes.resource === 'pods'
        ),
      },
    }))
    cluster.api.store.remove(KINDS.leases, `${NAMESPACE}/pilotlight-controller`)
    const { code, out, err } = await cli.result('doctor -o json', around())
    expect([code, err]).toEqual([1, 'pilotlight: 2 of 15 checks failed\n'])
    const findings: readonly { verdict: string; what: string; why: string; fix?: string }[] = JSON.parse(out)
    expect(findings.filter(({ verdict }) => verdict === 'fail').map(({ what, why }) => [what, why])).toEqual([
      ['permissions', 'pilotlight-gateway may not list pods; pilotlight-gateway may not watch pods'],
      ['leader', 'no controller leads'],
    ])
  })

  it('goes on when something may not be read', async () => {
    using _refusal = cluster.api.intercept(({ kind }) =>
      kind.plural === 'nodes'
        ? new Refusal(403, 'Forbidden', 'nodes is forbidden: User "eve" cannot list')
        : undefined,
    )
    const { code, out } = await cli.result('doctor', around())
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/warn +GPUs +cannot be read: nodes is forbidden: User "eve" cannot list/),
    ])
  })

  it('says that the cluster cannot be reached', async () => {
    cluster.answers.delete('/version')
    await cluster.api.away()
    expect(await cli.result('doctor', around())).toMatchObject({
      code: 3,
      err: expect.stringContaining('cannot reach the API server'),
    })
    await cluster.api.back()
  })
})
