import { mkdir, mkdtemp, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SystemClock } from '../core/clock.ts'
import { ManualClock } from '../core/manual-clock.ts'
import { silentLog } from '../core/telemetry.ts'
import { documentsOf } from './documents.ts'
import { ApplyRefused, ManifestFolder, type Manifests } from './manifest-folder.ts'

const doc = (name: string, replicas = 1) =>
  `apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: ${name}}\nspec: {minReplicas: ${replicas}}\n`
const fine = () => []
const names = ({ files }: Pick<Manifests, 'files'>) =>
  files.flatMap(({ text }) => documentsOf(text).map(({ name }) => name))

let dir: string
const folder = () => join(dir, 'manifests')
const open = (clock: ManualClock | SystemClock = new ManualClock(5_000), paths = [folder()]) =>
  ManifestFolder.open({ clock, log: silentLog, paths, stateDir: join(dir, 'state'), baseDir: dir })

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pilotlight-manifests-'))
  await mkdir(folder())
  await writeFile(join(folder(), 'a.yaml'), doc('a'))
})
afterEach(() => rm(dir, { recursive: true }))

describe('what is read', () => {
  it('is YAML and JSON that stands directly in a folder', async () => {
    await mkdir(join(folder(), 'below'))
    const json = '{"apiVersion":"v1","kind":"X","metadata":{"name":"b"}}'
    const others = {
      'b.json': json,
      'c.txt': doc('c'),
      '.d.yaml': doc('d'),
      'below/e.yaml': doc('e'),
      'f.yml': doc('f'),
    }
    for (const [name, text] of Object.entries(others)) await writeFile(join(folder(), name), text)
    using manifests = await open()
    expect(names(manifests.current)).toEqual(['a', 'b', 'f'])
    expect(manifests.current.files[0]).toEqual({
      path: join(folder(), 'a.yaml'),
      baseDir: folder(),
      text: doc('a'),
    })
  })

  it('follows changes as they happen', async () => {
    using manifests = await open(new SystemClock())
    const stop = new AbortController()
    const seen: string[][] = []
    for await (const files of manifests.files(stop.signal)) {
      seen.push(names({ files }))
      if (seen.length === 1) await writeFile(join(folder(), 'b.yaml'), doc('b'))
      if (names({ files }).includes('b')) stop.abort()
    }
    expect(seen.at(-1)).toEqual(['a', 'b'])
  })

  it('is looked at every 2 s where nobody tells of changes', async () => {
    const clock = new ManualClock()
    using manifests = await open(clock)
    const changed = manifests.files(new AbortController().signal)
    await changed.next()
    await unlink(join(folder(), 'a.yaml'))
    const next = changed.next()
    await clock.advance(2_000)
    expect((await next).value).toEqual([])
  })

  it('stays as it was while a folder is away, and says so', async () => {
    using manifests = await open()
    await rename(folder(), join(dir, 'away'))
    await manifests.rescan()
    expect(names(manifests.current)).toEqual(['a'])
    expect(manifests.current.problems).toEqual([
      { source: folder(), message: 'does not exist; what it said before stays in force' },
    ])
    await rename(join(dir, 'away'), folder())
    await writeFile(join(folder(), 'a.yaml'), doc('a2'))
    await manifests.rescan()
    expect(manifests.current.problems).toEqual([])
    expect(names(manifests.current)).toEqual(['a2'])
  })

  it('keeps the last good content of a file that cannot be read', async () => {
    using manifests = await open()
    await rm(join(folder(), 'a.yaml'))
    await mkdir(join(folder(), 'a.yaml'))
    await manifests.rescan()
    expect(names(manifests.current)).toEqual(['a'])
    expect(manifests.current.problems[0]?.source).toBe(join(folder(), 'a.yaml'))
  })

  it('may be a single file, and a path that is not there is a problem', async () => {
    using manifests = await open(new ManualClock(), [join(folder(), 'a.yaml'), join(dir, 'none')])
    expect(names(manifests.current)).toEqual(['a'])
    const source = manifests.source(() => ({ services: [], problems: [] }))
    const { value } = await source.desired(new AbortController().signal)[Symbol.asyncIterator]().next()
    expect(value?.problems).toMatchObject([{ source: join(dir, 'none'), message: 'does not exist' }])
  })
})

describe('apply and remove', () => {
  it('answer with what became of each document, and survive a restart', async () => {
    {
      using manifests = await open()
      expect(manifests.apply(`${doc('a', 1)}---\n${doc('b', 1)}`, fine)).toEqual([
        { kind: 'InferenceService', namespace: 'default', name: 'a', outcome: 'unchanged' },
        { kind: 'InferenceService', namespace: 'default', name: 'b', outcome: 'created' },
      ])
      expect(manifests.apply(doc('a', 4), fine)[0]?.outcome).toBe('configured')
      expect(manifests.current.metadata('InferenceService', 'default', 'a')).toMatchObject({ generation: 2 })
      expect(manifests.current.files.map(({ path }) => path)).toContain('applied:default/a')
    }
    using again = await open(new ManualClock(9_000))
    expect(names(again.current)).toEqual(['b', 'a'])
    expect(again.current.metadata('InferenceService', 'default', 'a')).toMatchObject({
      createdAtMs: 5_000,
      generation: 2,
    })
    expect(again.remove('InferenceService', 'default', 'a')).toBe(true)
    expect(again.remove('InferenceService', 'default', 'a')).toBe(false)
    expect(names(again.current)).toEqual(['b'])

    // The folder writes last.
    await writeFile(join(folder(), 'a.yaml'), doc('a', 7))
    await again.rescan()
    expect(again.find('InferenceService', 'default', 'a')?.document.value['spec']).toEqual({ minReplicas: 7 })
  })

  it('take all or nothing', async () => {
    using manifests = await open()
    const check = () => ['spec.minReplicas: -1 is not allowed']
    expect(() => manifests.apply(doc('b'), check)).toThrow(ApplyRefused)
    expect(() => manifests.apply(`${doc('b')}---\nkind: X\n`, fine)).toThrow(
      'document 1: apiVersion is missing',
    )
    expect(() => manifests.apply('', fine)).toThrow('there is no document in it')
    expect(names(manifests.current)).toEqual(['a'])
  })

  it('move a state file aside that cannot be understood', async () => {
    await mkdir(join(dir, 'state'))
    await writeFile(join(dir, 'state', 'overlay.json'), '{"x": 1}')
    using manifests = await open()
    expect(names(manifests.current)).toEqual(['a'])
    expect(await readFile(join(dir, 'state', 'overlay.json.corrupt'), 'utf8')).toBe('{"x": 1}')
  })
})
