import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { z } from 'zod'
import { plainFile } from '../../../scripts/chart/plain.ts'
import { readConfig } from '../../../src/core/config.ts'
import { run } from '../../interop/command.ts'
import { TestNamespace } from './cluster.ts'
import { writeSchemas } from './openapi-schemas.ts'
import { chartFolder as chart, helmInstall, program, RELEASE } from './release.ts'

const plain = fileURLToPath(new URL('../../../charts/dist/pilotlight.yaml', import.meta.url))

/** Values that between them reach every branch of the templates. */
const VARIANTS: Readonly<Record<string, object>> = {
  defaults: {},
  single: { profile: 'single' },
  adopt: { mode: 'adopt' },
  'TLS, ingress, scaling and a Redis of its own': {
    gateway: {
      tls: { secretName: 'certificate', clientCaSecretName: 'clients' },
      autoscaling: { enabled: true },
      service: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', annotations: { a: 'b' } },
      trustedProxies: ['10.0.0.0/8'],
      podLabels: { team: 'ml' },
      priorityClassName: 'system-cluster-critical',
      tolerations: [{ key: 'a', operator: 'Exists' }],
    },
    ingress: { ingressClassName: 'nginx' },
    gatewayApi: { parentRefs: [{ name: 'public', namespace: 'infra' }] },
    redis: { url: 'redis://redis.example.com:6379' },
    config: { queue: { depthMax: 100 }, kubernetes: { defaultDeploymentMode: 'Standard' } },
    imagePullSecrets: [{ name: 'registry' }],
  },
  'a password for the bundled Redis': { redis: { password: 'p@ss:word' } },
  'without what can be left out': {
    networkPolicy: { enabled: false },
    rbac: { aggregate: false },
    runtimes: { enabled: false },
    gateway: { podDisruptionBudget: { enabled: false } },
    controller: { replicas: 1 },
  },
}

const folder = mkdtempSync(join(tmpdir(), 'pilotlight-chart-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Said {
  readonly code: number
  readonly out: string
  /** What it wrote to either stream. */
  readonly said: string
}

/** Gives what it said, whether it went well or not. */
async function command(name: string, args: readonly string[]): Promise<Said> {
  const { code, stdout, stderr } = await run(program(name), args, { timeoutMs: 170_000 })
  return { code, said: `${stdout}${stderr}`, out: stdout }
}

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

async function rendered(values: object, ...args: readonly string[]): Promise<string> {
  const { code, out, said } = await command('helm', [
    'template',
    RELEASE,
    chart,
    '--namespace',
    RELEASE,
    '--values',
    file('values.yaml', stringify(values)),
    ...args,
  ])
  if (code !== 0) throw new Error(said)
  return out
}

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
})
type KubeObject = z.infer<typeof objectSchema>

function objectsIn(text: string): KubeObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const value: unknown = document.toJS()
    return value === null ? [] : [objectSchema.parse(value)]
  })
}

beforeAll(helmInstall)

describe.each(Object.entries(VARIANTS))('the chart, %s', (_, values) => {
  it('has nothing for helm to object to', async () => {
    const path = file('lint.yaml', stringify(values))
    const { code, said } = await command('helm', ['lint', chart, '--strict', '--values', path])
    expect(said).toContain('0 chart(s) failed')
    expect(said).not.toMatch(/\[(?:ERROR|WARNING)\]/)
    expect(code).toBe(0)
  })

  it("fits the API server's own schemas", async () => {
    const { out: openapi } = await command('kubectl', ['get', '--raw', '/openapi/v2'])
    writeSchemas(openapi, folder)
    const { said } = await command('kubeconform', [
      '-strict',
      '-summary',
      '-schema-location',
      `${folder}/{{ .ResourceKind }}{{ .KindSuffix }}.json`,
      file('rendered.yaml', await rendered(values)),
    ])
    expect(said).toMatch(/Summary: [1-9]\d* resources? found .* Invalid: 0, Errors: 0, Skipped: 0/)
  })

  it('is taken by the API server, word for word', async () => {
    const { code, said } = await command('kubectl', [
      'apply',
      '--server-side',
      '--force-conflicts',
      '--dry-run=server',
      '--validate=strict',
      '--filename',
      // The pod of an earlier `helm test` may still be there, and a pod cannot be changed.
      file('applied.yaml', await rendered(values, '--no-hooks')),
    ])
    expect(said.split('\n').filter((line) => !isApplied(line))).toEqual([])
    expect(code).toBe(0)
  })

  it('gives its pods a configuration that they can read', async () => {
    const config = objectsIn(await rendered(values)).find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === RELEASE,
    )
    const { data } = z.looseObject({ data: z.record(z.string(), z.string()) }).parse(config)
    expect(readConfig(parse(data['pilotlight.yaml'] ?? ''))).toMatchObject({ gateway: { host: '0.0.0.0' } })
  })

  it('runs pods that the restricted standard takes', async () => {
    await using namespace = await TestNamespace.make('chart-restricted')
    await command('kubectl', [
      'label',
      'namespace',
      namespace.name,
      'pod-security.kubernetes.io/enforce=restricted',
    ])
    const pods = objectsIn(await rendered(values)).flatMap((object) => {
      if (object.kind === 'Pod') return [podOf(object.metadata.name, object['spec'])]
      if (object.kind !== 'Deployment') return []
      const { spec } = z
        .looseObject({ spec: z.looseObject({ template: z.looseObject({ spec: z.unknown() }) }) })
        .parse(object)
      return [podOf(object.metadata.name, spec.template.spec)]
    })
    const { said } = await command('kubectl', [
      'create',
      '--dry-run=server',
      '--namespace',
      namespace.name,
      '--filename',
      file('pods.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods })),
    ])
    expect(said.trim().split('\n')).toEqual(
      pods.map(({ metadata }) => `pod/${metadata.name} created (server dry run)`),
    )
    expect(pods.length).toBeGreaterThan(1)
  })
})

/** One line for each object, and nothing else. */
function isApplied(line: string): boolean {
  return line === '' || line.endsWith(' serverside-applied (server dry run)')
}

/** As a ReplicaSet would make it, but of the namespace's own account. */
function podOf(name: string, spec: unknown): KubeObject {
  const { serviceAccountName: _, priorityClassName: __, ...rest } = z.looseObject({}).parse(spec)
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: rest }
}

describe('the plain file', () => {
  it('is what the chart makes of its defaults', () => {
    expect(plainFile(program('helm'), chart) === readFileSync(plain, 'utf8'), 'npm run generate').toBe(true)
  })

  it('is taken by the API server, word for word', async () => {
    const { code, said } = await command('kubectl', [
      'apply',
      '--server-side',
      '--force-conflicts',
      '--dry-run=server',
      '--validate=strict',
      '--filename',
      plain,
    ])
    expect(said.split('\n').filter((line) => !isApplied(line))).toEqual([])
    expect(code).toBe(0)
  })
})

describe('what was installed', () => {
  it('brings KServe kinds and our own, established', async () => {
    const names = [
      'inferenceservices.serving.kserve.io',
      'servingruntimes.serving.kserve.io',
      'clusterservingruntimes.serving.kserve.io',
      'clusterstoragecontainers.serving.kserve.io',
      'inferenceroutes.pilotlight.dev',
    ]
    const { code, said } = await command('kubectl', [
      'wait',
      '--for=condition=Established',
      '--timeout=30s',
      'crd',
      ...names,
    ])
    expect(said.trim().split('\n')).toHaveLength(names.length)
    expect(code).toBe(0)
    const conditions = 'jsonpath={.status.conditions[?(@.type=="NonStructuralSchema")].status}'
    for (const name of names) {
      expect((await command('kubectl', ['get', 'crd', name, '--output', conditions])).out).toBe('')
    }
  })

  it("has KServe's columns and short name", async () => {
    await using namespace = await TestNamespace.make('chart-columns')
    await namespace.apply({
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name: 'shown' },
      // Nothing serves it, so that no pod is made.
      spec: { predictor: { model: { modelFormat: { name: 'nothing-serves-this' } } } },
    })
    const [head] = (await namespace.kubectl('get', 'isvc')).split('\n')
    expect(head?.split(/\s+/).filter((column) => column !== '')).toEqual([
      'NAME',
      'URL',
      'READY',
      'PREV',
      'LATEST',
      'PREVROLLEDOUTREVISION',
      'LATESTREADYREVISION',
      'AGE',
    ])
  })

  it('has policies that the API server has checked without a doubt', async () => {
    const warnings = '{range .items[*]}{.status.typeChecking.expressionWarnings}{end}'
    const { out } = await command('kubectl', [
      'get',
      'validatingadmissionpolicy',
      '--selector',
      'app.kubernetes.io/part-of=pilotlight',
      '--output',
      `jsonpath=${warnings}`,
    ])
    expect(out).toBe('')
  })

  it('ships runtimes whose servers the restricted standard takes', async () => {
    await using namespace = await TestNamespace.make('chart-runtimes')
    await command('kubectl', [
      'label',
      'namespace',
      namespace.name,
      'pod-security.kubernetes.io/enforce=restricted',
    ])
    const objects = objectsIn(await rendered({})).find(
      ({ metadata }) => metadata.name === `${RELEASE}-objects`,
    )
    const { data } = z.looseObject({ data: z.record(z.string(), z.string()) }).parse(objects)
    const shipped = file('shipped.yaml', Object.values(data).join('---\n'))
    const { code, said } = await command('kubectl', [
      'apply',
      '--server-side',
      '--force-conflicts',
      '--dry-run=server',
      '--validate=strict',
      '--filename',
      shipped,
    ])
    expect(said.split('\n').filter((line) => !isApplied(line))).toEqual([])
    expect(code).toBe(0)
    const pods = objectsIn(readFileSync(shipped, 'utf8'))
      .filter(({ kind }) => kind === 'ClusterServingRuntime')
      .map(({ metadata, spec }) => {
        const { containers, volumes } = z
          .looseObject({ containers: z.unknown(), volumes: z.unknown().optional() })
          .parse(spec)
        return podOf(metadata.name, { containers, ...(volumes === undefined ? {} : { volumes }) })
      })
    expect(pods.length).toBeGreaterThan(10)
    const created = await command('kubectl', [
      'create',
      '--dry-run=server',
      '--namespace',
      namespace.name,
      '--filename',
      file('servers.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods })),
    ])
    expect(created.said.trim().split('\n')).toEqual(
      pods.map(({ metadata }) => `pod/${metadata.name} created (server dry run)`),
    )
  })
})

describe('beside KServe', () => {
  const webhook = 'inferenceservice.serving.kserve.io'
  /** What helm would do with this release, with its eyes open. */
  const asIfInstalled = (mode: string): Promise<Said> =>
    command('helm', [
      'template',
      RELEASE,
      chart,
      '--is-upgrade',
      '--dry-run=server',
      '--namespace',
      RELEASE,
      '--set',
      `mode=${mode}`,
    ])

  it('refuses to own what a running KServe has, and says what to do', async () => {
    const configuration = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: webhook },
      webhooks: [],
    }
    await command('kubectl', ['create', '--filename', file('webhook.yaml', stringify(configuration))])
    try {
      expect((await asIfInstalled('own')).said).toContain('--set mode=adopt')
      const { out } = await asIfInstalled('adopt')
      const kinds = objectsIn(out).map(({ kind, metadata }) => `${kind} ${metadata.name}`)
      expect(kinds.filter((kind) => kind.startsWith('CustomResourceDefinition'))).toEqual([
        'CustomResourceDefinition inferenceroutes.pilotlight.dev',
      ])
      expect(kinds.filter((kind) => kind.startsWith('ValidatingAdmissionPolicy'))).toEqual([])
      expect(out).toContain('adopt: true')
    } finally {
      await command('kubectl', ['delete', 'validatingwebhookconfiguration', webhook])
    }
  })

  it("refuses to write over CRDs that are not the chart's", async () => {
    const crd = 'inferenceservices.serving.kserve.io'
    await command('kubectl', ['label', 'crd', crd, 'app.kubernetes.io/part-of-'])
    try {
      expect((await asIfInstalled('own')).said).toContain(
        `the CRD ${crd} is in this cluster and is not Pilotlight's`,
      )
    } finally {
      await command('kubectl', ['label', 'crd', crd, 'app.kubernetes.io/part-of=pilotlight'])
    }
  })
})

describe('permissions', () => {
  const account = (name: string): string => `system:serviceaccount:${RELEASE}:${RELEASE}-${name}`
  const mayNot = new Set(['get', 'list', 'watch'])

  /** `deployments.apps/scale patch`, of an account, in a namespace; without what everybody may ask about themselves. */
  async function writes(name: string, namespace: string): Promise<string[]> {
    const { out } = await command('kubectl', [
      'auth',
      'can-i',
      '--list',
      `--as=${account(name)}`,
      '--namespace',
      namespace,
    ])
    return out.split('\n').flatMap((line) => {
      const found = /^(\S+)\s+\[.*\]\s+\[.*\]\s+\[(.*)\]$/.exec(line)
      const [, resource = '', verbs = ''] = found ?? []
      if (resource.startsWith('selfsubject')) return []
      return verbs
        .split(' ')
        .filter((verb) => verb !== '' && !mayNot.has(verb))
        .map((verb) => `${resource} ${verb}`)
    })
  }

  it('let a gateway write nothing but the number of replicas', async () => {
    expect(await writes('gateway', 'default')).toEqual(['deployments.apps/scale patch'])
    expect(await writes('gateway', RELEASE)).toEqual(['deployments.apps/scale patch'])
  })

  it('let a controller write leases in its own namespace only, and no secret anywhere', async () => {
    expect((await writes('controller', 'default')).filter((write) => write.startsWith('leases'))).toEqual([])
    const own = await writes('controller', RELEASE)
    expect(own.filter((write) => write.startsWith('leases')).toSorted()).toEqual([
      'leases.coordination.k8s.io create',
      'leases.coordination.k8s.io update',
    ])
    expect(own.filter((write) => /^(?:secrets|serviceaccounts|.*rbac)/.test(write))).toEqual([])
  })

  it('come with the roles that the users of a cluster have', async () => {
    await using namespace = await TestNamespace.make('chart-roles')
    await namespace.kubectl('create', 'rolebinding', 'editor', '--clusterrole=edit', '--user=editor')
    await namespace.kubectl('create', 'rolebinding', 'viewer', '--clusterrole=view', '--user=viewer')
    const may = async (
      user: string,
      verb: string,
      resource: string,
      where = namespace.name,
    ): Promise<boolean> =>
      (await command('kubectl', ['auth', 'can-i', verb, resource, `--as=${user}`, '--namespace', where]))
        .code === 0
    expect(await may('editor', 'create', 'inferenceservices.serving.kserve.io')).toBe(true)
    expect(await may('editor', 'patch', 'servingruntimes.serving.kserve.io')).toBe(true)
    expect(await may('editor', 'patch', 'inferenceroutes.pilotlight.dev')).toBe(false)
    expect(await may('editor', 'get', 'inferenceservices.serving.kserve.io', 'default')).toBe(false)
    expect(await may('viewer', 'list', 'inferenceservices.serving.kserve.io')).toBe(true)
    expect(await may('viewer', 'patch', 'inferenceservices.serving.kserve.io')).toBe(false)
  })
})
