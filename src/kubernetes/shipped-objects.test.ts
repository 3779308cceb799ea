import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SystemClock } from '../core/clock.ts'
import { ManualClock } from '../core/manual-clock.ts'
import type { Log } from '../core/telemetry.ts'
import { FakeApiServer } from './api/fake-api-server.ts'
import { Refusal } from './api/fake-store.ts'
import { applyShippedObjects } from './shipped-objects.ts'

const runtime = (name: string): string =>
  `apiVersion: serving.kserve.io/v1alpha1\nkind: ClusterServingRuntime\nmetadata: {name: ${name}}\nspec: {containers: [{name: kserve-container}]}\n`

describe('objects that come with an installation', () => {
  let folder: string
  let api: FakeApiServer
  let logged: { readonly level: string; readonly fields: object; readonly sentence: string }[]
  const clock = new ManualClock()

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pilotlight-shipped-'))
    api = await FakeApiServer.start()
    logged = []
  })
  afterEach(async () => {
    rmSync(folder, { recursive: true })
    await api[Symbol.asyncDispose]()
  })

  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: (fields, sentence) => void logged.push({ level: 'warn', fields, sentence }),
    error: (fields, sentence) => void logged.push({ level: 'error', fields, sentence }),
  }

  async function apply(dir = folder): Promise<void> {
    await using client = api.client({ clock: new SystemClock() })
    await applyShippedObjects(dir, { client, clock, log }, new AbortController().signal)
  }

  function applied(): string[] {
    return api.requests.map(({ verb, kind, name }) => `${verb} ${kind.plural}/${name}`)
  }

  it('are applied from every file, and from nothing that is hidden or no YAML', async () => {
    writeFileSync(join(folder, 'a.yaml'), `${runtime('one')}---\n${runtime('two')}---\n`)
    writeFileSync(join(folder, 'b.yml'), runtime('three'))
    writeFileSync(join(folder, 'notes.txt'), 'nothing')
    // As the kubelet mounts a ConfigMap.
    mkdirSync(join(folder, '..data.yaml'))
    await apply()
    expect(applied()).toEqual(['one', 'two', 'three'].map((name) => `patch clusterservingruntimes/${name}`))
    expect(logged).toEqual([])
  })

  it.each([
    ['their kind is unknown', new Refusal(404, 'NotFound', 'no such kind')],
    ['an API server has not read its roles yet', new Refusal(403, 'Forbidden', 'forbidden: RBAC: not found')],
  ])('are tried again while %s, and left out when they are refused for good', async (_, refusal) => {
    writeFileSync(
      join(folder, 'a.yaml'),
      `${runtime('early')}---\n${runtime('wrong')}---\n${runtime('good')}`,
    )
    using _early = api.refuse(refusal, ({ name }) => name === 'early')
    using _wrong = api.refuse(new Refusal(422, 'Invalid', 'no such field'), ({ name }) => name === 'wrong', 9)
    const done = apply()
    await api.until(() => applied().length === 3)
    while (clock.nextDueMs() === undefined) await new Promise(setImmediate)
    await clock.advance(500)
    await done
    expect(applied()).toEqual(
      ['early', 'wrong', 'good', 'early'].map((name) => `patch clusterservingruntimes/${name}`),
    )
    expect(logged.map(({ level, fields }) => [level, fields])).toMatchObject([
      ['warn', { name: 'early' }],
      ['error', { name: 'wrong' }],
    ])
  })

  it('are left out where a file or the folder cannot be read, and the log says which', async () => {
    writeFileSync(join(folder, 'a.yaml'), 'kind: ClusterServingRuntime\n  name: {')
    writeFileSync(join(folder, 'b.yaml'), runtime('good').replace('ClusterServingRuntime', 'Nonsense'))
    writeFileSync(join(folder, 'c.yaml'), runtime('good'))
    await apply()
    await apply(join(folder, 'missing'))
    expect(applied()).toEqual(['patch clusterservingruntimes/good'])
    expect(logged.map(({ level, fields }) => [level, fields])).toMatchObject([
      ['error', { file: join(folder, 'a.yaml') }],
      ['error', { file: join(folder, 'b.yaml') }],
      ['error', { dir: join(folder, 'missing') }],
    ])
  })

  it('are not waited for once the leader has to stop', async () => {
    writeFileSync(join(folder, 'a.yaml'), runtime('early'))
    using _refused = api.refuse(new Refusal(503, 'ServiceUnavailable', 'not yet'), () => true, 9)
    const stop = new AbortController()
    await using client = api.client({ clock: new SystemClock() })
    const done = applyShippedObjects(folder, { client, clock, log }, stop.signal)
    await api.until(() => applied().length > 0)
    stop.abort(new Error('stopped'))
    await expect(done).rejects.toThrow('stopped')
  })
})
