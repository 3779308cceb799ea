import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { must } from '../../../interop/command.ts'
import { buildImages, fullName } from './image.ts'

describe.skipIf(process.platform !== 'linux')('an image made of files', () => {
  it.each([
    ['redis', 'docker.io/library/redis:latest'],
    ['a/b:1', 'docker.io/a/b:1'],
    ['ghcr.io/a/b', 'ghcr.io/a/b:latest'],
    ['localhost/a:2', 'localhost/a:2'],
    ['registry:5000/a', 'registry:5000/a:latest'],
  ])('%s is named %s', (name, full) => {
    expect(fullName(name)).toBe(full)
  })

  it('holds a folder as its root, and programs with their libraries, and is the same each time', async () => {
    using scratch = mkdtempDisposableSync(join(tmpdir(), 'pilotlight-image-test-'))
    const at = (name: string): string => join(scratch.path, name)
    await must('mkdir', [at('root')])
    writeFileSync(at('root/hello.txt'), 'hello')
    const source = {
      name: 'a/b:1',
      folder: at('root'),
      files: ['/bin/sh'],
      entrypoint: ['/bin/sh', '-c', 'x'],
    }
    await buildImages([source], at('first.tar'))
    await buildImages([source], at('second.tar'))
    expect(readFileSync(at('first.tar')).equals(readFileSync(at('second.tar')))).toBe(true)

    await must('mkdir', [at('archive')])
    await must('tar', ['-xf', at('first.tar'), '-C', at('archive')])
    const blobFile = (digest: string): string => at(`archive/blobs/sha256/${digest.replace('sha256:', '')}`)
    const blob = (digest: string): string => readFileSync(blobFile(digest), 'utf8')
    interface Index {
      readonly manifests: readonly { readonly digest: string; readonly annotations: object }[]
    }
    interface Manifest {
      readonly config: { readonly digest: string }
      readonly layers: readonly { readonly digest: string }[]
    }
    const index: Index = JSON.parse(readFileSync(at('archive/index.json'), 'utf8'))
    expect(index.manifests[0]?.annotations).toMatchObject({ 'io.containerd.image.name': 'docker.io/a/b:1' })
    const manifest: Manifest = JSON.parse(blob(index.manifests[0]!.digest))
    expect(JSON.parse(blob(manifest.config.digest))).toMatchObject({
      config: { Entrypoint: ['/bin/sh', '-c', 'x'] },
    })
    const layers = await Promise.all(
      manifest.layers.map(async ({ digest }) =>
        (await must('tar', ['-tf', blobFile(digest)])).stdout.split('\n'),
      ),
    )
    expect(layers).toEqual([
      expect.arrayContaining(['bin/sh', expect.stringContaining('libc.so')]),
      expect.arrayContaining(['./hello.txt', './tmp/']),
    ])
  })
})
