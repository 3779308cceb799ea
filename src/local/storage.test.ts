import { createServer } from 'node:http'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readConfig } from '../core/config.ts'
import { SystemClock } from '../core/clock.ts'
import { silentLog } from '../core/telemetry.ts'
import { ModelStore } from './model-store.ts'
import { placeOf } from './storage.ts'

const rules = {
  mapping: {
    'gs://models': './models',
    'gs://models/big': 'https://mirror.example/big/',
    's3://': '/srv/s3',
    'pvc://shared': '../shared',
  },
  configDir: '/etc/pilotlight',
  stateDir: '/var/lib/pilotlight',
}

describe('placeOf', () => {
  it.each([
    ['gs://models/iris', { kind: 'path', path: '/etc/pilotlight/models/iris' }],
    ['gs://models', { kind: 'path', path: '/etc/pilotlight/models' }],
    ['gs://models/big/llama', { kind: 'download', url: 'https://mirror.example/big/llama' }],
    ['s3://bucket/x', { kind: 'path', path: '/srv/s3/bucket/x' }],
    ['pvc://shared/a', { kind: 'path', path: '/etc/shared/a' }],
    ['pvc://other/a', { kind: 'path', path: '/var/lib/pilotlight/pvc/other/a' }],
    ['file:///srv/m%20x', { kind: 'path', path: '/srv/m x' }],
    ['/srv/m', { kind: 'path', path: '/srv/m' }],
    ['https://host/m.tgz', { kind: 'download', url: 'https://host/m.tgz' }],
  ])('%s', (uri, place) => {
    expect(placeOf(uri, rules)).toEqual(place)
  })

  it.each(['gs://models-2/iris', 'hf://meta/llama'])('%s says which mapping is missing', (uri) => {
    expect(() => placeOf(uri, rules)).toThrow(
      `storageUri ${uri}: no mapping in local.storage for it; add one (local.storage: {"${uri}": "./folder"}) or use file://, https:// or pvc://`,
    )
  })
})

describe('ModelStore', () => {
  const never = new AbortController().signal
  const storage = (uri: string) => [{ uri, mountPath: '/mnt/models' }]
  let dir: string
  const store = () =>
    new ModelStore(join(dir, 'state'), {
      config: readConfig({}),
      configDir: dir,
      clock: new SystemClock(),
      log: silentLog,
    })

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pilotlight-models-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  it('answers with a folder at once, and gives a single file a folder', async () => {
    const file = join(dir, 'model.joblib')
    await writeFile(file, 'weights')
    expect(store().localDirs(storage(`file://${dir}`))).toEqual([dir])
    const [folder] = store().localDirs(storage(`file://${file}`)) ?? []
    expect(await readFile(join(folder!, 'model.joblib'), 'utf8')).toBe('weights')
    expect(() => store().localDirs(storage('file:///nowhere/m'))).toThrow(
      'storageUri file:///nowhere/m: /nowhere/m does not exist',
    )
  })

  it('fetches once for all that ask, unpacks, and keeps nothing of a failed try', async () => {
    await mkdir(join(dir, 'packed'))
    await writeFile(join(dir, 'packed', 'model.bin'), 'weights')
    execFileSync('tar', ['-czf', join(dir, 'm.tar.gz'), '-C', join(dir, 'packed'), '.'])
    const archive = await readFile(join(dir, 'm.tar.gz'))
    let asked = 0
    const server = createServer((request, response) => {
      asked += 1
      if (request.url === '/m.tar.gz') response.end(archive)
      else if (request.url === '/plain.bin') response.end('plain')
      else response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    try {
      await using models = store()
      expect(models.localDirs(storage(`${base}/m.tar.gz`))).toBeUndefined()
      const both = await Promise.all([1, 2].map(() => models.pull(storage(`${base}/m.tar.gz`), never)))
      expect(asked).toBe(1)
      expect(await readdir(both[0]![0]!)).toEqual(['model.bin'])
      expect(models.localDirs(storage(`${base}/m.tar.gz`))).toEqual(both[1])
      const [plain] = await models.pull(storage(`${base}/plain.bin`), never)
      expect(await readdir(plain!)).toEqual(['plain.bin'])
      await expect(models.pull(storage(`${base}/none`), never)).rejects.toThrow(
        `storageUri ${base}/none: GET ${base}/none: status 404`,
      )
      await expect(models.pull(storage(`${base}/m.zip`), never)).rejects.toThrow('is a zip archive')
      expect(await readdir(join(dir, 'state', 'models'))).toHaveLength(2)
    } finally {
      server.close()
    }
  })
})
