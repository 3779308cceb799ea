import {
  existsSync,
  mkdirSync,
  mkdtempDisposableSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildDockerfile } from './dockerfile-build.ts'
import { BuildContext, parseDockerfile } from './dockerfile.ts'

describe('a Dockerfile', () => {
  it('is read stage by stage', () => {
    const text = [
      'ARG BASE=node:26',
      'FROM ${BASE} AS build',
      '# A remark.',
      'run npm ci \\',
      '  --ignore-scripts',
      '',
      'FROM ${BASE}',
      'ENTRYPOINT ["node", "a b.js"]',
    ]
    expect(parseDockerfile(text.join('\n'))).toEqual([
      { name: 'build', instructions: [{ keyword: 'RUN', words: ['npm', 'ci', '--ignore-scripts'] }] },
      { name: '', instructions: [{ keyword: 'ENTRYPOINT', words: ['node', 'a b.js'] }] },
    ])
  })

  it('sees of the repository what .dockerignore lets through', () => {
    const context = new BuildContext('# All but this.\n*\n!src\n!a.json\n**/*.test.ts\n')
    const files = [
      'src',
      'src/a.ts',
      'src/deep/b.ts',
      'a.json',
      'a.jsonx',
      'src/a.test.ts',
      'src/deep/b.test.ts',
    ]
    expect(files.filter((file) => context.has(file))).toEqual(['src', 'src/a.ts', 'src/deep/b.ts', 'a.json'])
    expect(new BuildContext('').has('anything')).toBe(true)
  })
})

describe.skipIf(process.platform !== 'linux')('a Dockerfile of a Node program', () => {
  /** A checkout with one package for production and one for development. */
  function checkout(folder: string, dockerfile: string): string {
    const write = (name: string, content: string): void => {
      mkdirSync(join(folder, name, '..'), { recursive: true })
      writeFileSync(join(folder, name), content)
    }
    write('Dockerfile', dockerfile)
    write('.dockerignore', '*\n!src\n!package.json\n**/*.test.js')
    write('src/a.js', 'a')
    write('src/a.test.js', 'a test')
    write('secret', 'x')
    write('node_modules/needed/index.js', 'needed')
    write('node_modules/tool/index.js', 'tool')
    const build = "node -e \"fs.cpSync('src', 'dist', {recursive: true})\""
    write('package.json', JSON.stringify({ scripts: { build } }))
    const packages = {
      'node_modules/needed': {},
      'node_modules/tool': { dev: true },
      'node_modules/absent': {},
    }
    write('package-lock.json', JSON.stringify({ packages }))
    return join(folder, 'Dockerfile')
  }

  it('is done without Docker', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'pilotlight-dockerfile-'))
    const file = checkout(
      join(folder.path, 'checkout'),
      `FROM node AS build
       WORKDIR /build
       COPY package.json ./
       RUN npm ci --ignore-scripts
       COPY src src
       RUN npm run build && npm prune --omit=dev --ignore-scripts
       FROM node
       LABEL a="b c"
       ENV A=1 B=/tmp
       WORKDIR /app
       COPY --from=build /build/node_modules node_modules
       COPY --from=build /build/dist dist
       COPY package.json ./
       USER 1:2
       EXPOSE 80
       ENTRYPOINT ["node", "/app/dist/a.js"]
       CMD ["x"]`,
    )
    const image = await buildDockerfile('a/b:1', file, join(folder.path, 'scratch'))
    const root = image.folder ?? ''
    expect(image).toEqual({
      name: 'a/b:1',
      folder: root,
      files: [process.execPath],
      env: { A: '1', B: '/tmp' },
      workingDir: '/app',
      user: '1:2',
      entrypoint: ['node', '/app/dist/a.js'],
      cmd: ['x'],
    })
    // A link, or a copy where the checkout lies below /tmp.
    expect(statSync(join(root, 'usr/local/bin/node')).size).toBe(statSync(process.execPath).size)
    expect(readdirSync(join(root, 'app')).sort()).toEqual(['dist', 'node_modules', 'package.json'])
    expect(readdirSync(join(root, 'app/dist'))).toEqual(['a.js'])
    expect(readdirSync(join(root, 'app/node_modules'))).toEqual(['needed'])
    expect(readFileSync(join(root, 'app/node_modules/needed/index.js'), 'utf8')).toBe('needed')
    expect(existsSync(join(folder.path, 'checkout/dist'))).toBe(false)
  })

  it.each([
    ['RUN apt-get install curl', 'RUN apt-get install curl: cannot be done without Docker'],
    ['VOLUME /data', 'VOLUME /data: cannot be done without Docker'],
    ['COPY secret .', 'COPY secret: .dockerignore leaves it out'],
    ['COPY --from=nothing a b', 'COPY --from=nothing: there is no such stage'],
    ['ENV A', 'ENV A: allowed is NAME=VALUE'],
  ])('is refused with words: %s', async (line, words) => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'pilotlight-dockerfile-'))
    const file = checkout(join(folder.path, 'checkout'), `FROM node\n${line}\n`)
    await expect(buildDockerfile('a', file, join(folder.path, 'scratch'))).rejects.toThrow(words)
  })
})
