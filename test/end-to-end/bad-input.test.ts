import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, fixtureRuntime, repository, runCli, up, type Running } from './harness.ts'
import { service } from './manifests.ts'

const runtime = (name: string, container: object): string =>
  `${JSON.stringify({
    apiVersion: 'serving.kserve.io/v1alpha1',
    kind: 'ClusterServingRuntime',
    metadata: { name },
    spec: {
      supportedModelFormats: [{ name, version: '1', autoSelect: true }],
      protocolVersions: ['v1'],
      containers: [{ name: 'kserve-container', ...container }],
    },
  })}\n`

const served = (name: string, model: object): string =>
  `${JSON.stringify({
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name },
    spec: { predictor: { model } },
  })}\n`

describe('bad input names what is wrong, and the other services go on', () => {
  let running: Running

  beforeAll(async () => {
    running = await up({
      'runtime.yaml': fixtureRuntime(),
      'good.yaml': service('good'),
      'broken.yaml': 'a: [\n',
      'nocmd-runtime.yaml': runtime('nocmd', { image: 'x' }),
      'nocmd.yaml': served('nocmd', { modelFormat: { name: 'nocmd' } }),
      'missing-runtime.yaml': runtime('missing', { command: ['./does-not-exist'] }),
      'missing.yaml': served('missing', { modelFormat: { name: 'missing' } }),
      'unmapped.yaml': served('unmapped', { modelFormat: { name: 'fixture' }, storageUri: 's3://nowhere/x' }),
      'refused.yaml': `${JSON.stringify({
        apiVersion: 'serving.kserve.io/v1beta1',
        kind: 'InferenceService',
        metadata: { name: 'refused' },
        spec: { predictor: { minReplicas: 3, maxReplicas: 1, model: { modelFormat: { name: 'fixture' } } } },
      })}\n`,
    })
    await running.until(
      'the good one serves and the others have failed',
      ({ replicas }) =>
        replicas.some(({ phase, revision }) => phase === 'ready' && revision.includes('good')) &&
        replicas.filter(({ phase }) => phase === 'failed').length === 2,
    )
  })
  afterAll(() => running[Symbol.asyncDispose]())

  it('serves the good one', async () => {
    expect((await running.predict('good.default', [1])).status).toBe(200)
  })

  it.each([
    ['nocmd', 'has no command to run on this machine'],
    ['missing', 'command "./does-not-exist" was not found'],
    ['unmapped', 'no mapping in local.storage'],
  ])('says in the status of %s: %s', async (name, message) => {
    const got = await running.cli(
      'get',
      'isvc',
      name,
      '-o',
      'jsonpath={.status.modelStatus.lastFailureInfo.message}',
    )
    expect(got.stdout).toContain(message)
  })

  it('tells who asks a service that cannot start why', async () => {
    const answer = await running.predict('missing.default', [1])
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'REVISION_NOT_READY' })
    expect(answer.body).toContain('was not found')
  })

  it('lists the documents that it refused', async () => {
    const { problems } = await running.until('problems', (snapshot) => snapshot.problems.length > 0)
    const messages = problems.map(({ message }) => message)
    expect(messages).toContainEqual(expect.stringContaining('broken.yaml:2:1'))
    expect(messages).toContain("'MinReplicas' cannot be greater than MaxReplicas")
  })

  it('refuses a manifest by the API with the same words, and warns of a misspelt field', async () => {
    running.write(
      'other.txt',
      served('other', { modelFormat: { name: 'fixture' } }).replace(
        '"predictor":{',
        '"predictor":{"minReplica":0,',
      ),
    )
    const warned = await running.cli('apply', '-f', join(running.folder, 'other.txt'))
    expect(warned).toMatchObject({ code: 0 })
    expect(warned.stderr).toContain('did you mean minReplicas?')
    running.write(
      'negative.txt',
      served('negative', { modelFormat: { name: 'fixture' } }).replace(
        '"predictor":{',
        '"predictor":{"minReplicas":-1,',
      ),
    )
    const refused = await running.cli('apply', '-f', join(running.folder, 'negative.txt'))
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain("'MinReplicas' cannot be less than 0")
  })

  it('answers 404 to a host nobody serves and 431 to a head of 1 MB', async () => {
    const nobody = await running.ask('nobody', '/v1/models/x')
    expect(nobody.status).toBe(404)
    expect(JSON.parse(nobody.body)).toMatchObject({ code: 'NO_ROUTE' })
    const large = await ask(running.gateway, {
      headers: { host: 'good.default.localhost', 'x-large': 'a'.repeat(1_000_000) },
    })
    expect(large.status).toBe(431)
  })

  it('names the host and port that are in use', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-e2e-'))
    const { code, stderr } = await runCli(
      ['up', folder, '--port', running.gateway.port, '--admin-port', '0'],
      folder,
    )
    expect(code).toBe(1)
    expect(stderr).toContain(`port ${running.gateway.port}: the port is in use`)
    expect(stderr).not.toContain('    at ')
  })
})

describe('a transformer and an explainer', () => {
  it('reach the sleeping predictor through the gateway', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-e2e-'))
    const examples = ['iris', 'transformer'].map((name) => join(repository, 'examples', name))
    await using running = await up({}, { folder, paths: examples })
    await running.until('it is ready', ({ services }) =>
      services.some(
        ({ metadata, status }) =>
          metadata.name === 'iris-species' &&
          (status.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True'),
      ),
    )
    const flower = [{ sepal_length: 6.8, sepal_width: 2.8, petal_length: 4.8, petal_width: 1.4 }]
    const species = await running.predict('iris-species.ml-serving', flower)
    expect(JSON.parse(species.body)).toEqual({ predictions: ['versicolor'] })
    const explained = await running.ask('iris-species.ml-serving', '/v1/models/iris-species:explain', {
      body: { instances: flower },
    })
    expect(JSON.parse(explained.body)).toMatchObject({ explanations: [{ prediction: 1 }] })
  })
})
