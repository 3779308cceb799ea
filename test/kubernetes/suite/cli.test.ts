import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { run } from '../../interop/command.ts'
import { TestNamespace } from './cluster.ts'
import { Installation } from './installation.ts'

const bin = fileURLToPath(new URL('../../../bin/kubectl-pilotlight.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'pilotlight-cli-suite-'))

/** `kubectl pilotlight ...` as a process of its own, against the cluster of KUBECONFIG. */
async function pilotlight(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await run(process.execPath, [bin, ...args], { timeoutMs: 150_000 })
  return { code, out: stdout, err: stderr }
}

function manifestFile(name: string): string {
  const file = join(folder, `${name}.yaml`)
  const model = {
    modelFormat: { name: 'sklearn' },
    storageUri: 'gs://kfserving-examples/models/sklearn/1.0/model',
  }
  const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } }
  writeFileSync(
    file,
    stringify({
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name },
      spec: { predictor: { minReplicas: 1, model: { ...model, resources } } },
    }),
  )
  return file
}

describe('the command line against a cluster', () => {
  let installation: Installation
  beforeAll(async () => {
    installation = await Installation.open()
  })
  afterAll(() => installation[Symbol.asyncDispose]())
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('finds nothing that has to be mended', async () => {
    const { code, out } = await pilotlight('doctor')
    expect([code, out.match(/^fail .*$/gm)]).toEqual([0, null])
  })

  it('leaves to Helm what Helm has installed', async () => {
    for (const args of [['install'], ['install', '-n', 'elsewhere'], ['uninstall']]) {
      const { code, err } = await pilotlight(...args)
      expect([code, err]).toEqual([
        1,
        expect.stringMatching(/Helm installed .* use helm (?:upgrade|uninstall) pilotlight/),
      ])
    }
  })

  it('applies, shows, explains and deletes a service', async () => {
    await using namespace = await TestNamespace.make('cli')
    const at = ['-n', namespace.name]
    expect(await pilotlight('apply', '-f', manifestFile('iris'), ...at)).toEqual({
      code: 0,
      out: 'inferenceservice.serving.kserve.io/iris created\n',
      err: '',
    })
    await namespace.waitFor('condition=Ready', 'inferenceservice/iris')
    const shown = await pilotlight('get', 'isvc', 'iris', ...at, '-o', 'jsonpath={.status.url}')
    expect([shown.code, shown.out]).toEqual([
      0,
      await namespace.field('inferenceservice/iris', '.status.url'),
    ])
    const revisions = await pilotlight('get', 'revisions', ...at)
    expect(revisions.out).toMatch(/^iris-predictor-00001 +True +100 +1 /m)
    const why = await pilotlight('why', 'iris-predictor-00001', ...at)
    expect([why.code, why.out]).toEqual([0, expect.stringContaining('limits: min scale 1')])
    const canary = await pilotlight('canary', 'promote', 'iris', ...at, '--timeout', '20')
    expect([canary.code, canary.out]).toEqual([0, 'iris: iris-predictor-00001 100%\n'])
    expect((await pilotlight('delete', 'isvc', 'iris', ...at)).code).toBe(0)
    expect((await pilotlight('delete', 'isvc', 'iris', ...at)).err).toContain(
      `"iris" not found in ${namespace.name}`,
    )
  }, 120_000)

  it('shows people only what they may see', async () => {
    await using namespace = await TestNamespace.make('cli-reader')
    await using other = await TestNamespace.make('cli-other')
    const { kubeconfig, installNamespace } = await reader(namespace)
    await using _grant = installNamespace
    const where = ['--kubeconfig', kubeconfig, '--install-namespace', installNamespace.name]
    const own = await pilotlight('get', 'isvc', '-n', namespace.name, ...where)
    expect([own.code, own.err]).toEqual([0, `No resources found in ${namespace.name} namespace.\n`])
    const refused = await pilotlight('get', 'isvc', '-n', other.name, ...where)
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining(`is not allowed in namespace ${other.name}`),
    ])
    expect((await pilotlight('get', 'isvc', '-A', ...where)).err).toContain(
      'is not allowed in all namespaces',
    )
    const denied = await pilotlight('apply', '-f', manifestFile('mine'), '-n', namespace.name, ...where)
    expect([denied.code, denied.err]).toEqual([1, expect.stringMatching(/inferenceservices.*is forbidden/)])
  }, 60_000)
})

/** A user with the role `view` in a namespace, who may forward ports where Pilotlight runs until it is disposed. */
async function reader(namespace: TestNamespace) {
  await namespace.kubectl('create', 'serviceaccount', 'reader')
  const user = `--serviceaccount=${namespace.name}:reader`
  await namespace.kubectl('create', 'rolebinding', 'reader', '--clusterrole=view', user)
  const label = 'app.kubernetes.io/name=pilotlight,app.kubernetes.io/component=controller'
  const name = (
    await namespace.kubectl('get', 'pods', '-A', '-l', label, '-o', 'jsonpath={.items[0].metadata.namespace}')
  ).trim()
  const role = ['role', namespace.name, '-n', name]
  const resources = '--resource=pods,pods/portforward'
  await namespace.kubectl('create', ...role, '--verb=get,list,create', resources)
  await namespace.kubectl(
    'create',
    'rolebinding',
    namespace.name,
    '-n',
    name,
    `--role=${namespace.name}`,
    user,
  )
  const token = (await namespace.kubectl('create', 'token', 'reader')).trim()
  const config: { users: object[] } & Record<string, unknown> = parse(
    readFileSync(process.env['KUBECONFIG'] ?? '', 'utf8'),
  )
  const kubeconfig = join(folder, `${namespace.name}.kubeconfig`)
  const users = config.users.map((one) => ({ ...one, user: { token } }))
  writeFileSync(kubeconfig, stringify({ ...config, users }))
  return {
    kubeconfig,
    installNamespace: {
      name,
      [Symbol.asyncDispose]: async () => {
        await namespace.kubectl('delete', 'rolebinding,role', namespace.name, '-n', name)
      },
    },
  }
}
