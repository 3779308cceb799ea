import { spawn } from 'node:child_process'
import { mkdirSync, openSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { parseAllDocuments, stringify } from 'yaml'
import { z } from 'zod'
import { SystemClock } from '../../src/core/clock.ts'
import { silentLog } from '../../src/core/telemetry.ts'
import { ApiClient, KINDS, loadKubeConfig, type KubeObject } from '../../src/kubernetes/index.ts'
import { must } from '../../test/interop/command.ts'
import type { Testbed } from '../../test/kubernetes/testbed/index.ts'
import { Child } from '../processes.ts'

/** Of the pretended pods: no route leads to it but the namespace's own. */
const POD_NETWORK = '10.200.0.0/16'
const POD_PORT = 8080
const PODS_PER_NODE = 1_000

/** What the chart brings, but for what would run in pods. */
const APPLIED = new Set([
  'CustomResourceDefinition',
  'ServiceAccount',
  'ClusterRole',
  'ClusterRoleBinding',
  'Role',
  'RoleBinding',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
])

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
})
const filesSchema = z.object({ data: z.record(z.string(), z.string()) })

/** The API as an administrator uses it. */
export async function openClient(kubeconfig: string): Promise<ApiClient> {
  const config = await loadKubeConfig({ kubeconfig })
  return ApiClient.fromKubeConfig(config, { clock: new SystemClock(), log: silentLog })
}

/** Everything of the chart but its pods; gives the folder of what its controller applies by itself. */
export async function install(
  bed: Testbed,
  client: ApiClient,
  { namespace, chart }: { readonly namespace: string; readonly chart: string },
): Promise<string> {
  const rendered = await bed.exec('helm', [
    'template',
    'pilotlight',
    chart,
    '--namespace',
    namespace,
    '--set',
    'redis.url=redis://unused:1',
  ])
  if (rendered.code !== 0) throw new Error(`helm template: ${rendered.stderr}`)
  const objects = parseAllDocuments(rendered.stdout).flatMap((document) => {
    const value: unknown = document.toJS()
    return value === null ? [] : [objectSchema.parse(value)]
  })
  await kubectl(bed, 'create', 'namespace', namespace)
  const folder = join(bed.stateDir, 'bench')
  mkdirSync(join(folder, 'shipped'), { recursive: true })
  const apply = async (name: string, some: readonly object[]): Promise<void> => {
    const file = join(folder, `${name}.yaml`)
    writeFileSync(file, some.map((object) => stringify(object)).join('---\n'))
    await kubectl(bed, 'apply', '--server-side', '--filename', file)
  }
  const isCrd = ({ kind }: { readonly kind: string }): boolean => kind === 'CustomResourceDefinition'
  await apply('crds', objects.filter(isCrd))
  await untilEstablished(client)
  await apply(
    'rest',
    objects.filter((object) => APPLIED.has(object.kind) && !isCrd(object)),
  )
  const shipped = objects.find(
    ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.endsWith('-objects'),
  )
  for (const [name, text] of Object.entries(filesSchema.parse(shipped).data)) {
    writeFileSync(join(folder, 'shipped', name), text)
  }
  return join(folder, 'shipped')
}

/** `kubectl wait` fails on a CRD that has no conditions yet. */
async function untilEstablished(client: ApiClient): Promise<void> {
  const established = z.looseObject({
    status: z.looseObject({
      conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })),
    }),
  })
  for (;;) {
    const { items } = await client.list(KINDS.customResourceDefinitions, {})
    const isOver = items.every((crd) =>
      established
        .safeParse(crd)
        .data?.status.conditions.some(({ type, status }) => type === 'Established' && status === 'True'),
    )
    if (isOver) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** A kubeconfig of a service account, as a pod of it would be let in. */
export async function kubeconfigOf(bed: Testbed, namespace: string, account: string): Promise<string> {
  const token = await kubectl(bed, 'create', 'token', account, '--namespace', namespace, '--duration=24h')
  const file = join(bed.stateDir, 'bench', `${account}.kubeconfig`)
  const raw = JSON.parse(await kubectl(bed, 'config', 'view', '--raw', '--output=json'))
  const { clusters } = z.object({ clusters: z.array(z.unknown()) }).parse(raw)
  const user = { name: account, user: { token: token.trim() } }
  const context = { name: 'bench', context: { cluster: 'testbed', user: account, namespace } }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters,
    users: [user],
    contexts: [context],
    'current-context': 'bench',
  }
  writeFileSync(file, stringify(config))
  return file
}

export async function kubectl(bed: Testbed, ...args: readonly string[]): Promise<string> {
  const { stdout } = await must(join(bed.binaries, 'kubectl'), args, {
    env: { KUBECONFIG: bed.kubeconfigPath },
    timeoutMs: 120_000,
  })
  return stdout
}

/** Nodes and pods that kwok pretends: ready as soon as they are there. One server answers for all pods. */
export async function pretendNodes(
  bed: Testbed,
  client: ApiClient,
  { stages, pods }: { readonly stages: string; readonly pods: number },
): Promise<AsyncDisposable> {
  await must('ip', ['route', 'add', 'local', POD_NETWORK, 'dev', 'lo'])
  const server = createServer((_request, response) => response.end('{"predictions":[1,1]}'))
  server.listen(POD_PORT, '0.0.0.0')
  const log = openSync(join(bed.stateDir, 'logs', 'kwok.log'), 'a')
  const kwok = new Child(
    spawn(
      'setpriv',
      [
        '--pdeathsig',
        'KILL',
        join(bed.binaries, 'kwok'),
        `--kubeconfig=${bed.kubeconfigPath}`,
        `--config=${stages}`,
        '--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake',
        `--cidr=${POD_NETWORK}`,
        '--node-lease-duration-seconds=200',
      ],
      { stdio: ['ignore', log, log] },
    ),
  )
  const count = Math.ceil(pods / PODS_PER_NODE) + 1
  for (let index = 0; index < count; index++) await client.create(nodeOf(`pretended-${index}`))
  await kubectl(bed, 'wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=60s')
  return {
    async [Symbol.asyncDispose]() {
      await kwok[Symbol.asyncDispose]()
      server.closeAllConnections()
      server.close()
    },
  }
}

function nodeOf(name: string): KubeObject {
  const capacity = { cpu: '100000', memory: '1000Ti', pods: String(PODS_PER_NODE), 'nvidia.com/gpu': '10000' }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      annotations: { 'kwok.x-k8s.io/node': 'fake', 'node.alpha.kubernetes.io/ttl': '0' },
      labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64', 'kubernetes.io/hostname': name },
    },
    status: { allocatable: capacity, capacity },
  }
}

/** The pod that a process here stands for: living gateways are known by theirs. */
export async function pretendPod(client: ApiClient, namespace: string, component: string): Promise<string> {
  const name = `pilotlight-${component}-bench`
  await client.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { 'app.kubernetes.io/name': 'pilotlight', 'app.kubernetes.io/component': component },
    },
    spec: { nodeName: 'pretended-0', containers: [{ name: component, image: 'pilotlight:bench' }] },
  })
  const isRunning = z.looseObject({ status: z.looseObject({ phase: z.literal('Running') }) })
  while (!isRunning.safeParse(await client.get(KINDS.pods, namespace, name)).success) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return name
}
