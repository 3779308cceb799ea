import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { must } from '../../interop/command.ts'
import { sharedDir } from '../../support/shared.ts'
import { TestNamespace, testbed } from './cluster.ts'
import { Installation, IRIS, kubectl } from './installation.ts'

/** The manifests that the first users had, as they stand. */
const MANIFESTS = join(sharedDir ?? '', 'kserve/manifests')
const A100 = {
  name: 'a100-a',
  gpus: 8,
  labels: { 'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-40GB' },
  taints: [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }],
}

describe.skipIf(testbed?.kubelet !== 'process' || sharedDir === undefined)('after helm install', () => {
  let pilotlight: Installation
  let space: TestNamespace

  beforeAll(async () => {
    pilotlight = await Installation.open()
    space = await TestNamespace.named('ml-serving')
  })
  afterAll(async () => {
    await space[Symbol.asyncDispose]()
    await pilotlight[Symbol.asyncDispose]()
  })

  const apply = (file: string): Promise<string> => space.kubectl('apply', '--filename', join(MANIFESTS, file))

  const podOf = async (service: string, path: string): Promise<string> =>
    space.field(`pods --selector serving.kserve.io/inferenceservice=${service}`, `.items[0]${path}`)

  test("KServe's kinds are there", async () => {
    const names = await kubectl('get', 'crd', '--output=name')
    expect(names.split('\n').filter((name) => name.includes('serving'))).toEqual([
      'customresourcedefinition.apiextensions.k8s.io/clusterservingruntimes.serving.kserve.io',
      'customresourcedefinition.apiextensions.k8s.io/clusterstoragecontainers.serving.kserve.io',
      'customresourcedefinition.apiextensions.k8s.io/inferenceservices.serving.kserve.io',
      'customresourcedefinition.apiextensions.k8s.io/servingruntimes.serving.kserve.io',
    ])
  })

  test('sklearn-iris answers the curl of the demo', async () => {
    await apply('001-seed-sklearn-iris.yaml')
    await space.waitFor('condition=Ready', 'inferenceservice sklearn-iris', 120)
    const get = ['get', 'inferenceservice', 'sklearn-iris', '-n', 'ml-serving']
    const url = await kubectl(...get, '-o', 'jsonpath={.status.url}')
    expect(url).toBe('http://sklearn-iris.ml-serving.example.com')
    const address = ['get', 'service', 'pilotlight-gateway', '-n', pilotlight.namespace]
    const gateway = await kubectl(...address, '-o', 'jsonpath={.spec.clusterIP}')
    const { stdout } = await must('curl', [
      '--silent',
      '--show-error',
      '--fail-with-body',
      '--header',
      `Host: ${new URL(url).host}`,
      '--header',
      'Content-Type: application/json',
      '--data',
      IRIS,
      `http://${gateway}/v1/models/sklearn-iris:predict`,
    ])
    expect(stdout).toBe('{"predictions":[1,1]}')
  })

  test('llama-inference gets a GPU, on a node of its kind and in spite of its taint', async () => {
    await testbed?.addNodes([A100])
    await apply('002-seed-llama-inference.yaml')
    await space.waitFor('condition=Ready', 'inferenceservice llama-inference', 120)
    expect(await podOf('llama-inference', '.spec.nodeName')).toBe(A100.name)
    const requests = await podOf('llama-inference', '.spec.containers[0].resources.requests')
    expect(JSON.parse(requests)).toEqual({ cpu: '8', memory: '32Gi', 'nvidia.com/gpu': '1' })
    const answer = await pilotlight.predict('llama-inference', space.name)
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      200,
      expect.objectContaining({ predictions: [1], pod: await podOf('llama-inference', '.metadata.name') }),
    ])
  })

  test('multi-model-service runs on triton-runtime, whose container has a name of its own', async () => {
    await apply('003-seed-multi-model.yaml')
    await space.waitFor('condition=Ready', 'inferenceservice multi-model-service', 120)
    expect(await podOf('multi-model-service', '.spec.containers[0].image')).toBe(
      'nvcr.io/nvidia/tritonserver:24.01-py3',
    )
    const limits = await podOf('multi-model-service', '.spec.containers[0].resources.limits')
    expect(JSON.parse(limits)).toMatchObject({ 'nvidia.com/gpu': '1' })
    expect(await space.field('isvc multi-model-service', '.status.servingRuntimeName')).toBe('triton-runtime')
    expect((await pilotlight.predict('multi-model-service', space.name)).status).toBe(200)
  })

  test("kubectl get isvc shows KServe's columns", async () => {
    const [head = '', ...rows] = (await space.kubectl('get', 'isvc')).trimEnd().split('\n')
    expect(head.split(/\s+/)).toEqual([
      'NAME',
      'URL',
      'READY',
      'PREV',
      'LATEST',
      'PREVROLLEDOUTREVISION',
      'LATESTREADYREVISION',
      'AGE',
    ])
    const row = (name: string): RegExp =>
      new RegExp(
        String.raw`^${name} +http://${name}\.ml-serving\.example\.com +True +100 +${name}-predictor-00001 +\S+$`,
      )
    expect(rows.sort()).toEqual(
      ['llama-inference', 'multi-model-service', 'sklearn-iris'].map((name) =>
        expect.stringMatching(row(name)),
      ),
    )
  })
})
