import { describe, expect, it, vi } from 'vitest'
import { sampleDecision, sampleService, sampleSnapshot } from '../../admin/fake-control-plane.ts'
import { Refusal } from '../../kubernetes/api/fake-store.ts'
import { KINDS } from '../../kubernetes/api/index.ts'
import { FakeTerminal } from '../fake-terminal.ts'
import { FakeCluster, pod } from './fake-cluster.ts'

const cli = new FakeTerminal()
const cluster = new FakeCluster()
const around = (over: object = {}) => ({
  env: { KUBECONFIG: cluster.kubeconfig, PILOTLIGHT_CLUSTER: '1' },
  ...over,
})
const result = (line: string, stdin = '') => cli.result(line, around({ stdin }))
const ISVC = KINDS.inferenceServices

function service(canary: number | undefined, latest: number, generation = 1) {
  const traffic = [{ revisionName: 'iris-predictor-00002', latestRevision: true, percent: latest }]
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { namespace: 'ml', name: 'iris' },
    spec: { predictor: { ...(canary === undefined ? {} : { canaryTrafficPercent: canary }), model: {} } },
    status: { observedGeneration: generation, components: { predictor: { traffic } } },
  }
}

describe('which server', () => {
  it('is the cluster only when somebody asks for it', async () => {
    cluster.addController()
    const env = { KUBECONFIG: cluster.kubeconfig, PILOTLIGHT_SERVER: cli.server }
    expect((await cli.result('get isvc -A -o name', { env })).code).toBe(0)
    expect(cluster.adminRequests).toEqual([])
    const asked = [`get isvc -A --kubeconfig ${cluster.kubeconfig}`, 'get isvc -A --context token']
    for (const line of asked) {
      const { code } = await cli.result(line, { env: { KUBECONFIG: cluster.kubeconfig } })
      expect(code).toBe(0)
    }
    expect(cluster.adminRequests).toHaveLength(2)
  })

  it('is the cluster of --context, whatever PILOTLIGHT_SERVER says', async () => {
    cluster.addController()
    const env = { KUBECONFIG: cluster.kubeconfig, PILOTLIGHT_SERVER: cli.server }
    const { code, err } = await cli.result('get isvc -A -o name --context token', { env })
    expect([code, err]).toEqual([0, ''])
    expect(cluster.adminRequests).toHaveLength(1)
  })

  it('is that of --server even then, with a warning', async () => {
    const env = { KUBECONFIG: cluster.kubeconfig }
    const line = `get isvc -A -o name --context token --server ${cli.server}`
    const { code, err } = await cli.result(line, { env })
    expect([code, err]).toEqual([
      0,
      'Warning: --server is given and goes before --context, which is not used\n',
    ])
  })

  it('cannot be a context that is not there', async () => {
    expect(await result('get isvc --context nope')).toMatchObject({
      code: 1,
      err: expect.stringContaining('context "nope" is not in'),
    })
  })
})

describe('get and why', () => {
  it("ask the controller through a port-forward, with the user's token, for one namespace", async () => {
    cluster.addController()
    const { code, out } = await result('get isvc')
    expect([code, out.split('\n')[1]]).toEqual([0, expect.stringMatching(/^iris .* iris-predictor-00002 /)])
    cluster.plane.decisionsOf.set('ml/iris-predictor-00002', [sampleDecision()])
    expect((await result('why iris-predictor-00002')).out).toContain('panic: 6 replicas')
    expect(cluster.adminRequests).toEqual([
      '/api/v1/inferenceservices?namespace=ml: Bearer users-own',
      '/api/v1/namespaces/ml/revisions/iris-predictor-00002/decisions?limit=10: Bearer users-own',
    ])
  })

  it('watch with the namespace', async () => {
    cluster.addController()
    const { seen, finished, interrupt } = cli.start('get isvc -n ml -w', around())
    await vi.waitFor(() => expect(cluster.plane.followers).toBe(1))
    cluster.plane.latest.set(sampleSnapshot({ services: [{ ...sampleService(), status: {} }] }))
    await vi.waitFor(() => expect(seen.out.split('\n')).toHaveLength(4))
    interrupt.abort()
    expect(await finished).toBe(0)
    expect(cluster.adminRequests[1]).toBe('/api/v1/events?namespace=ml: Bearer users-own')
  })

  it('go around a controller that is not ready', async () => {
    cluster.addController('a', { isReady: false })
    expect(await result('get isvc')).toMatchObject({
      code: 3,
      err: expect.stringContaining('no controller of Pilotlight is ready (pilotlight/a: Running)'),
    })
    cluster.addController('b')
    expect((await result('get isvc')).code).toBe(0)
  })

  it('say that nothing is installed', async () => {
    expect(await result('get isvc --install-namespace infra')).toMatchObject({
      code: 3,
      err: expect.stringContaining('no controller of Pilotlight runs in namespace infra'),
    })
  })

  it('borrow a token for a user without one', async () => {
    cluster.addController()
    const path = '/api/v1/namespaces/pilotlight/serviceaccounts/pilotlight-admin/token'
    const refused = await result('get isvc -A --context no-token')
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining('one of the service account pilotlight/pilotlight-admin cannot be had'),
    ])
    cluster.answers.set(path, ({ spec }: { spec: object }) => ({ spec, status: { token: 'lent' } }))
    expect((await result('get isvc -A --context no-token')).code).toBe(0)
    expect(cluster.adminRequests).toEqual(['/api/v1/inferenceservices: Bearer lent'])
  })

  it.each([
    [403, 1, 'ask for the verbs get and create of pods/portforward in namespace pilotlight'],
    [500, 3, 'port-forward to pilotlight-controller-a: Unexpected server response: 500'],
  ])('say what a port-forward refused with %i means', async (status, code, message) => {
    cluster.addController()
    cluster.portForwardRefusal = status
    expect(await result('get isvc')).toMatchObject({ code, err: expect.stringContaining(message) })
    expect(cluster.adminRequests).toEqual([])
  })
})

describe('apply and delete', () => {
  const manifest =
    'apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: iris}\nspec: {predictor: {}}\n'

  it('write through the API, in the namespace of the context', async () => {
    expect(await result('apply -f -', manifest)).toEqual({
      code: 0,
      out: 'inferenceservice.serving.kserve.io/iris created\n',
      err: '',
    })
    expect((await result('apply -f -', manifest)).out).toContain('/iris unchanged')
    expect((await result('apply -f -', manifest.replace('{}', '{minReplicas: 1}'))).out).toContain(
      'configured',
    )
    const [write] = cluster.api.writes.slice(-1)
    expect([write?.namespace, write?.query.get('fieldManager'), write?.query.get('force')]).toEqual([
      'ml',
      'pilotlight-cli',
      'true',
    ])
    expect(await result('delete isvc iris')).toEqual({
      code: 0,
      out: 'inferenceservice.serving.kserve.io "iris" deleted\n',
      err: '',
    })
    expect(await result('delete isvc iris')).toMatchObject({
      code: 1,
      err: 'pilotlight: InferenceService "iris" not found in ml\n',
    })
  })

  it('pass on what the API server remarks', async () => {
    cluster.warnings = ['299 - "unknown field \\"spec.x\\"", 299 - "a, b"', '299 - "deprecated"']
    expect(await result('apply -f -', manifest)).toMatchObject({
      code: 0,
      err: ['unknown field "spec.x"', 'a, b', 'deprecated']
        .map((text) => `Warning: InferenceService ml/iris: ${text}\n`)
        .join(''),
    })
  })

  it('take all documents or none', async () => {
    const two = `${manifest}---\n${manifest.replace('name: iris', 'name: other')}`
    using _refusal = cluster.api.intercept(({ name, verb }) =>
      name === 'other' && verb === 'patch'
        ? new Refusal(422, 'Invalid', 'spec.predictor: is empty')
        : undefined,
    )
    expect(await result('apply -f -', two)).toEqual({
      code: 1,
      out: '',
      err: 'pilotlight: InferenceService ml/other: spec.predictor: is empty\n',
    })
    expect(cluster.api.store.all(ISVC)).toEqual([])
  })

  it('take any kind that the API server knows', async () => {
    const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: b}\n'
    expect((await result('apply -f -', secret)).out).toBe('secret/s created\n')
    expect((await result('delete -f -', secret)).out).toBe('secret "s" deleted\n')
    expect((await result('apply -f -', 'apiVersion: x.y/v1\nkind: Z\nmetadata: {name: z}')).err).toContain(
      'Z ml/z: this cluster has no kind Z in x.y/v1',
    )
    expect((await result('apply -f -', 'kind: Z')).err).toContain(
      'must have apiVersion, kind and metadata.name',
    )
  })
})

describe('canary', () => {
  it('patches the percent, and waits for a status that is about it', async () => {
    cluster.api.store.put(ISVC, service(10, 50))
    const { seen, finished } = cli.start('canary set iris 50', around())
    await cluster.api.until(() => cluster.api.requests.some(({ verb }) => verb === 'watch'))
    expect(cluster.api.store.get(ISVC, 'ml/iris')?.['spec']).toMatchObject({
      predictor: { canaryTrafficPercent: 50 },
    })
    expect(seen.out).toBe('')
    cluster.api.store.put(ISVC, service(50, 50, 2))
    expect(await finished).toBe(0)
    expect(seen.out).toBe('iris: iris-predictor-00002 50%\n')
  })

  it('promotes by deleting the field', async () => {
    cluster.api.store.put(ISVC, service(10, 10))
    expect((await result('canary promote iris --no-wait')).out).toBe('iris: set\n')
    expect(cluster.api.store.get(ISVC, 'ml/iris')?.['spec']).toEqual({ predictor: { model: {} } })
    expect((await result('canary promote nope --no-wait')).err).toContain(
      'InferenceService "nope" not found in ml',
    )
  })
})

describe('logs', () => {
  const labels = (revision: string) => ({
    'pilotlight.dev/revision': revision,
    'pilotlight.dev/inferenceservice': 'iris',
  })

  it('come from the pods of a service, and one that waits is passed over', async () => {
    cluster.api.store.put(KINDS.pods, pod('ml', 'a', true, labels('iris-predictor-00001')))
    cluster.api.store.put(KINDS.pods, pod('ml', 'b', true, labels('iris-predictor-00002')))
    cluster.logs.set('a', 'one\ntwo\n')
    const { code, out, err } = await result('logs iris --tail 5')
    expect([code, out, err]).toEqual([
      0,
      '[a] one\n[a] two\n',
      'Warning: ml/b: the container is waiting to start\n',
    ])
    expect((await result('logs iris-predictor-00001')).out).toBe('one\ntwo\n')
    expect((await result('logs a')).out).toBe('one\ntwo\n')
  })

  it('of a service that sleeps, and of nothing', async () => {
    cluster.api.store.put(ISVC, service(10, 10))
    expect((await result('logs iris')).err).toContain('ml/iris has no replicas now: it is asleep')
    expect((await result('logs nope')).err).toContain(
      'no replica, revision or InferenceService is called ml/nope',
    )
  })
})

describe('explain', () => {
  it('counts the runtimes of the cluster beside the files', async () => {
    cluster.api.store.put(KINDS.clusterServingRuntimes, {
      apiVersion: 'serving.kserve.io/v1alpha1',
      kind: 'ClusterServingRuntime',
      metadata: { name: 'own', resourceVersion: '7' },
      spec: { containers: [] },
    })
    const seen: unknown[] = []
    const explainFiles = (files: readonly { path: string; text: string }[], options: object) => {
      seen.push(
        files.map(({ path, text }) => [path, text.slice(0, 60)]),
        options,
      )
      return files.map(({ path }) => ({ file: path, doc: '0', kind: 'X', name: path, verdict: 'accept' }))
    }
    const line = 'explain -f -'
    const told = await cli.result(line, {
      ...around({ stdin: 'kind: X\nmetadata: {name: x}' }),
      explainFiles,
    })
    expect(told.out).toBe('X - (-#0): accept\n')
    expect(seen).toEqual([
      [
        ['-', 'kind: X\nmetadata: {name: x}'],
        ['the cluster', '{"apiVersion":"serving.kserve.io/v1alpha1","kind":"ClusterSer'.slice(0, 60)],
      ],
      { strict: false, runtimes: 'cluster' },
    ])
  })
})

it('says that the API server cannot be reached, with exit code 3', async () => {
  await cluster.api.away()
  const { code, err } = await result('delete isvc iris')
  expect([code, err]).toEqual([
    3,
    expect.stringContaining('cannot reach the API server at http://127.0.0.1:'),
  ])
  await cluster.api.back()
})
