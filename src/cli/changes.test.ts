import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { sampleService, sampleSnapshot } from '../admin/fake-control-plane.ts'
import { FakeTerminal } from './fake-terminal.ts'

const cli = new FakeTerminal()

describe('apply and delete', () => {
  it('sends all files of a folder as one stream, and prints outcomes and warnings', async () => {
    const manifests = join(cli.folder, 'manifests')
    await mkdir(join(manifests, 'sub'), { recursive: true })
    await writeFile(join(manifests, 'a.yaml'), 'kind: A\n')
    await writeFile(join(manifests, 'sub', 'b.yml'), 'kind: B\n')
    await writeFile(join(manifests, 'notes.txt'), 'not a manifest')
    cli.plane.applied = [
      {
        kind: 'InferenceService',
        namespace: 'ml',
        name: 'iris',
        outcome: 'created',
        warnings: ['x is not read'],
      },
    ]
    expect(await cli.result(`apply -f ${manifests}`)).toEqual({
      code: 0,
      out: 'inferenceservice.serving.kserve.io/iris created\n',
      err: 'Warning: InferenceService ml/iris: x is not read\n',
    })
    expect(cli.plane.calls).toEqual(['apply kind: A\n---\nkind: B'])
  })

  it('puts -n where a document names no namespace', async () => {
    const stdin =
      'kind: InferenceService\nmetadata:\n  name: a\n---\nkind: InferenceService\nmetadata: {name: b, namespace: own}\n'
    await cli.result('apply -n team -f -', { stdin })
    expect(cli.plane.calls[0]).toContain('name: a\n  namespace: team')
    expect(cli.plane.calls[0]).toMatch(/name: b, namespace: own/)
  })

  it('passes on a refusal', async () => {
    cli.plane.refusal = 'InferenceService ml/x: spec.predictor: is missing'
    expect(await cli.result('apply -f -', { stdin: 'kind: x' })).toEqual({
      code: 1,
      out: '',
      err: 'pilotlight: InferenceService ml/x: spec.predictor: is missing\n',
    })
  })

  it('says which file cannot be read', async () => {
    expect((await cli.result('apply -f nowhere.yaml')).err).toContain('"nowhere.yaml" cannot be read')
    await mkdir(join(cli.folder, 'empty'), { recursive: true })
    expect((await cli.result(`apply -f ${join(cli.folder, 'empty')}`)).err).toContain(
      'has no .yaml, .yml or .json file',
    )
  })

  it('deletes by name and by file', async () => {
    expect(await cli.result('delete isvc iris -n ml')).toMatchObject({
      code: 0,
      out: 'inferenceservice.serving.kserve.io "iris" deleted\n',
    })
    expect(await cli.result('delete isvc nope -n ml')).toMatchObject({
      code: 1,
      err: 'pilotlight: InferenceService ml/nope does not exist\n',
    })
    const stdin =
      'kind: ServingRuntime\nmetadata: {name: r, namespace: own}\n---\nkind: ClusterServingRuntime\nmetadata: {name: c}\n'
    expect((await cli.result('delete -f -', { stdin })).code).toBe(0)
    expect(cli.plane.calls.slice(2)).toEqual([
      'remove ServingRuntime own/r',
      'remove ClusterServingRuntime /c',
    ])
  })
})

describe('canary', () => {
  const withTraffic = (latest: number) => {
    const service = sampleService()
    const traffic = [{ revisionName: 'iris-predictor-00002', latestRevision: true, percent: latest }]
    return sampleSnapshot({ services: [{ ...service, status: { components: { predictor: { traffic } } } }] })
  }

  it('waits until the traffic shows it, and says so after a second', async () => {
    const { seen, finished, clock } = cli.start('canary set iris 50% -n ml')
    await vi.waitFor(() => expect(cli.plane.followers).toBe(1))
    await clock.advance(1000)
    expect(seen.err).toContain('waiting for iris: the latest revision has')
    cli.plane.latest.set(withTraffic(50))
    expect(await finished).toBe(0)
    expect(seen.out).toBe('iris: iris-predictor-00002 50%\n')
    expect(cli.plane.calls).toEqual(['canary ml/iris 50'])
  })

  it.each([
    ['promote', 'none', 100],
    ['rollback', '0', 0],
  ])('%s', async (verb, told, latest) => {
    cli.plane.latest.set(withTraffic(latest))
    expect(await cli.result(`canary ${verb} iris -n ml`)).toMatchObject({ code: 0 })
    expect(cli.plane.calls).toEqual([`canary ml/iris ${told}`])
  })

  it('gives up after its timeout, and does not wait if told not to', async () => {
    const { seen, finished, clock } = cli.start('canary set iris 50 -n ml --timeout 5')
    await vi.waitFor(() => expect(cli.plane.followers).toBe(1))
    await clock.advance(5000)
    expect(await finished).toBe(1)
    expect(seen.err).toContain('not reached within 5s')
    expect(await cli.result('canary set iris 50 -n ml --no-wait')).toMatchObject({
      code: 0,
      out: 'iris: set\n',
    })
  })
})
