import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SystemClock } from '../../../src/core/clock.ts'
import { parseDocuments } from '../../../src/kserve/index.ts'
import {
  ApiClient,
  isApiError,
  KINDS,
  loadKubeConfig,
  type KubeObject,
} from '../../../src/kubernetes/index.ts'
import { readCsv } from '../../conformance/csv.ts'
import {
  acceptedServices,
  refusedCanaries,
  refusedRuntimes,
  refusedServices,
  service,
  standard,
} from '../../support/kserve-cases.ts'
import { sharedDir } from '../../support/shared.ts'
import { TestNamespace } from './cluster.ts'
import { helmInstall } from './release.ts'

/** The API server in the place of KServe's webhook: CRDs with rules and policies, and no server of ours to ask. */

let client: ApiClient
let space: TestNamespace

beforeAll(async () => {
  await helmInstall()
  client = ApiClient.fromKubeConfig(await loadKubeConfig(), { clock: new SystemClock() })
  space = await TestNamespace.make('admission')
})
afterAll(async () => {
  await space[Symbol.asyncDispose]()
  await client[Symbol.asyncDispose]()
})

const KIND_OF: Readonly<Record<string, { readonly plural: string; readonly namespaced: boolean }>> = {
  InferenceService: KINDS.inferenceServices,
  ServingRuntime: KINDS.servingRuntimes,
  ClusterServingRuntime: KINDS.clusterServingRuntimes,
}

/** Tries it without keeping it, with unknown fields as errors. Gives the API server's words; '' if it takes it. */
async function refusal(object: KubeObject, isStrict = true): Promise<string> {
  const kind = KIND_OF[object.kind]
  if (kind === undefined) throw new Error(`no path is known for ${object.kind}`)
  const where = kind.namespaced ? `/namespaces/${space.name}` : ''
  const { namespace: _, name, ...metadata } = object.metadata
  // The chart's runtimes are there already, by the names of KServe's.
  const free = kind.namespaced ? name : name.replace(/^kserve-/, 'case-')
  try {
    await client.raw('POST', `/apis/${object.apiVersion}${where}/${kind.plural}`, {
      query: { dryRun: 'All', fieldValidation: isStrict ? 'Strict' : 'Ignore' },
      body: { ...object, metadata: { ...metadata, name: free } },
    })
    return ''
  } catch (error) {
    if (!isApiError(error)) throw error
    return error.message
  }
}

function objectIn(text: string): KubeObject {
  const [document] = parseDocuments(text, { file: 'case.yaml' })
  if (!isObject(document?.value)) throw new Error('no object')
  return document.value
}

function isObject(value: unknown): value is KubeObject {
  return typeof value === 'object' && value !== null && 'kind' in value && 'metadata' in value
}

describe("KServe's words", () => {
  // It has to know the other runtimes: the controller says it, in an Event of the runtime that came later.
  const [needsOthers, ...runtimes] = refusedRuntimes
  it('are all tried but one', () => expect(needsOthers?.[0]).toContain('same priority assigned'))

  it.each([...refusedServices, ...refusedCanaries, ...runtimes])('%s', async (words, text) => {
    expect(await refusal(objectIn(text))).toContain(words)
  })

  it.each(acceptedServices)('are not said of this: %s', async (_, text) => {
    expect(await refusal(objectIn(text))).toBe('')
  })
})

describe('names, fields and keys', () => {
  const named = (name: string): KubeObject => objectIn(service('{predictor: {sklearn: {}}}', { name }))

  it.each(['1abc', 'abc.de', 'a-'])('the name %s is refused', async (name) => {
    expect(await refusal(named(name))).toMatch(
      /the InferenceService "\S+" is invalid: a InferenceService name must consist of|a lowercase RFC 1123 subdomain/,
    )
  })

  it('unknown fields are named, and left out where nobody is strict', async () => {
    const object = objectIn(service('{nodeName: a, predictor: {minReplica: 1, sklearn: {storageUr: b}}}'))
    const said = await refusal(object)
    expect(said).toContain('unknown field "spec.nodeName"')
    expect(said).toContain('unknown field "spec.predictor.minReplica"')
    expect(said).toContain('unknown field "spec.predictor.sklearn.storageUr"')
    expect(await refusal(object, false)).toBe('')
  })

  it('a quantity may be a number, as it may in a pod', async () => {
    const spec = '{predictor: {sklearn: {resources: {requests: {cpu: 0.5, memory: 1Gi}, limits: {cpu: 2}}}}}'
    expect(await refusal(objectIn(service(spec)))).toBe('')
  })

  it('what belongs to pods is passed on', async () => {
    const spec =
      '{predictor: {tolerations: [{key: a, operator: Exists}], volumes: [{name: v, emptyDir: {}}], affinity: {nodeAffinity: {}}, ' +
      'nodeSelector: {a: b}, model: {modelFormat: {name: sklearn}, resources: {limits: {cpu: 1, nvidia.com/gpu: "2"}}, ' +
      'volumeMounts: [{name: v, mountPath: /v}], readinessProbe: {httpGet: {path: /, port: http}}}}}'
    expect(await refusal(objectIn(service(spec)))).toBe('')
  })

  it('a canary of 150 percent is refused here, and not only by Knative', async () => {
    const said = await refusal(objectIn(service('{predictor: {canaryTrafficPercent: 150, sklearn: {}}}')))
    expect(said).toContain(
      'spec.predictor.canaryTrafficPercent: Invalid value: 150: out of range; allowed are 0 to 100',
    )
  })

  it.each([
    ['{pilotlight.dev/stick: "header:a"}', 'metadata.annotations[pilotlight.dev/stick]: unknown key'],
    [
      '{pilotlight.dev/sticky: "query:a"}',
      '"query:a" is not understood; allowed are header:NAME and cookie:NAME',
    ],
  ])('the annotation %s is refused', async (annotations, words) => {
    expect(await refusal(objectIn(service('{predictor: {sklearn: {}}}', { annotations })))).toContain(words)
  })

  it('the annotations of ours are taken', async () => {
    const annotations = '{pilotlight.dev/sticky: "cookie:session", pilotlight.dev/adopt: "true"}'
    expect(await refusal(objectIn(service('{predictor: {sklearn: {}}}', { annotations })))).toBe('')
  })
})

describe('a change', () => {
  /** No runtime has this format, so that no pod is made. */
  const before = objectIn(
    service('{predictor: {model: {modelFormat: {name: nothing-serves-this}, storageUri: s3://a}}}', {
      name: 'changed',
      annotations: standard(),
    }),
  )
  const change = async (patch: object): Promise<string> => {
    try {
      await client.raw(
        'PATCH',
        `/apis/serving.kserve.io/v1beta1/namespaces/${space.name}/inferenceservices/changed`,
        {
          query: { dryRun: 'All' },
          contentType: 'application/merge-patch+json',
          body: patch,
        },
      )
      return ''
    } catch (error) {
      if (!isApiError(error)) throw error
      return error.message
    }
  }
  const mode = (name: string): object => ({
    metadata: { annotations: { 'serving.kserve.io/deploymentMode': name } },
  })

  const setStatus = async (status: object): Promise<void> => {
    const patch = JSON.stringify({ status })
    const what = ['inferenceservice', 'changed', '--subresource=status']
    await space.kubectl('patch', ...what, '--type=merge', `--patch=${patch}`)
  }

  beforeAll(async () => {
    await space.apply(before)
    // As the controller says once it has seen it.
    await setStatus({ deploymentMode: 'Standard' })
  })

  it('keeps the mode, by whichever of its names', async () => {
    expect(await change(mode('Knative'))).toContain(
      "update rejected: deploymentMode cannot be changed from 'Standard' to 'Knative'",
    )
    expect(await change(mode('RawDeployment'))).toBe('')
  })

  it('of the name of the predictor brings another model', async () => {
    const renamed = { spec: { predictor: { name: 'v2' } } }
    expect(await change(renamed)).toContain('predictor.name change requires a model change (e.g. storageUri)')
    expect(await change({ spec: { predictor: { name: 'v2', model: { storageUri: 's3://b' } } } })).toBe('')
  })

  it('of its status alone is not asked about', async () => {
    await setStatus({ url: 'http://changed.example.com' })
    expect(await space.field('inferenceservice changed', '.status.url')).not.toBe('')
  })
})

/** What KServe refuses and the API server cannot: with who says it, and where. */
const SAID_ELSEWHERE: Readonly<Record<string, string>> = {
  '122-invalid-sample-fluid-runtime-priority.yaml#0': 'the runtime is compared with others: the controller',
  '124-invalid-sample-yaml-template.yaml#0': 'no YAML: kubectl',
}

const rows =
  sharedDir === undefined ? [] : readCsv(readFileSync(join(sharedDir, 'kserve/expected.csv'), 'utf8'))

describe.skipIf(sharedDir === undefined)("the manifests of KServe's samples", () => {
  // InferenceGraphs are not served: the cluster does not know them.
  const cases = rows
    .filter(({ kind }) => kind !== 'InferenceGraph')
    .map((row) => ({ ...row, id: `${row['file'] ?? ''}#${row['doc'] ?? ''}` }))
    .filter(({ id }) => SAID_ELSEWHERE[id] === undefined)

  it('are there', () => expect(cases.length).toBeGreaterThan(100))

  /** What the API server has to say: of the manifest as it is, and with unknown fields as errors. */
  const expectedOf = ({
    verdict,
    kserve_message: words = '',
    kubectl_strict_error: unknown = '',
  }: Readonly<Record<string, string>>): { readonly words: string; readonly unknown: readonly string[] } => ({
    // What KServe finds wrong later, in its reconciler or in Knative, is in the status here, too.
    words: verdict !== 'reject' ? '' : words.startsWith('no matches for kind') ? '404 page not found' : words,
    unknown: [...unknown.matchAll(/unknown field "[^"]+"/g)].map(([field]) => field),
  })

  it.each(cases)('$id $name: $verdict', async (row: Readonly<Record<string, string>>) => {
    const { file = '', doc = '' } = row
    const text = readFileSync(join(sharedDir ?? '', 'kserve/manifests', file), 'utf8')
    const value = parseDocuments(text, { file }).find(({ source }) => source === `${file}#${doc}`)?.value
    if (!isObject(value)) throw new Error(`${file}#${doc} was not found`)
    const expected = expectedOf(row)
    const [said, strictly] = [await refusal(value, false), await refusal(value)]
    expect(said === '').toBe(expected.words === '')
    expect(said).toContain(expected.words)
    expect(strictly === '').toBe(expected.words === '' && expected.unknown.length === 0)
    expect(expected.unknown.filter((field) => !strictly.includes(field))).toEqual([])
  })
})
