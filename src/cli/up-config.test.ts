import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readUpConfig } from './up-config.ts'

let cwd: string

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'up-config-'))
})

afterEach(() => rmSync(cwd, { recursive: true }))

function write(path: string, text: string): void {
  mkdirSync(join(cwd, path, '..'), { recursive: true })
  writeFileSync(join(cwd, path), text)
}

describe('readUpConfig', () => {
  it('takes the file of the first folder of manifests that has one, else that of the current folder', () => {
    expect(readUpConfig({ paths: ['models'] }, cwd)).toMatchObject({
      configDir: cwd,
      stateDir: join(cwd, '.pilotlight'),
    })
    write('pilotlight.yaml', 'gateway: { port: 1 }')
    write('models/pilotlight.yaml', 'gateway: { port: 2 }')
    expect(readUpConfig({ paths: ['nowhere'] }, cwd)).toMatchObject({
      configDir: cwd,
      config: { gateway: { port: 1 } },
    })
    expect(readUpConfig({ paths: ['models'] }, cwd)).toMatchObject({
      configDir: join(cwd, 'models'),
      config: { gateway: { port: 2 } },
    })
  })

  it('puts flags before the file', () => {
    write('pilotlight.yaml', 'gateway: { port: 1, workers: 2 }')
    const { gateway } = readUpConfig({ paths: [], port: 3, workers: 4 }, cwd).config
    expect([gateway.port, gateway.workers]).toEqual([3, 4])
    expect(readUpConfig({ paths: [] }, cwd).config.gateway.workers).toBe(2)
  })

  it('finds files from the folder of the configuration', () => {
    write(
      'etc/pilotlight.yaml',
      `gateway:
  tls: { certFile: tls/tls.crt, keyFile: /run/tls.key, clientCaFile: ../clients.crt }
  upstreamTls: { caFile: replicas.crt, serverName: replicas.crt }
metrics: { prometheus: { caFile: prometheus.crt, bearerTokenFile: /run/token } }
redis: { url: rediss://redis, caFile: redis.crt, passwordFile: /run/password }
`,
    )
    const { gateway, metrics, redis } = readUpConfig({ paths: [], config: 'etc/pilotlight.yaml' }, cwd).config
    const { tls, upstreamTls } = gateway
    expect(metrics.prometheus).toEqual({
      caFile: join(cwd, 'etc/prometheus.crt'),
      bearerTokenFile: '/run/token',
    })
    expect(redis).toMatchObject({ caFile: join(cwd, 'etc/redis.crt'), passwordFile: '/run/password' })
    expect(tls).toMatchObject({
      certFile: join(cwd, 'etc/tls/tls.crt'),
      keyFile: '/run/tls.key',
      clientCaFile: join(cwd, 'clients.crt'),
    })
    expect(upstreamTls).toEqual({
      caFile: join(cwd, 'etc/replicas.crt'),
      verify: true,
      serverName: 'replicas.crt',
    })
  })

  it.each([
    ['gateway: { tls: { certFile: "", keyFile: b } }', 'gateway.tls.certFile: ', '; got ""'],
    ['gateway: { tls: { certFile: a, keyFile: 7 } }', 'gateway.tls.keyFile: ', '; got 7'],
    ['gateway: { tls: tls.crt }', 'gateway.tls: ', '; got "tls.crt"'],
    ['gateway: [7]', 'gateway: ', '; got [7]'],
  ])('names what is wrong in %s', (text, field, got) => {
    write('pilotlight.yaml', text)
    const read = (): unknown => readUpConfig({ paths: [] }, cwd)
    expect(read).toThrow(`${join(cwd, 'pilotlight.yaml')}: ${field}`)
    expect(read).toThrow(got)
  })
})
