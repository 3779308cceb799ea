import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadKubeConfig } from './kube-config.ts'

describe('loadKubeConfig', () => {
  let dir: string

  const write = (name: string, clusters: Readonly<Record<string, string>>, current?: string): string => {
    const file = join(dir, name)
    const names = Object.keys(clusters)
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: names.map((cluster) => ({ name: cluster, cluster: { server: clusters[cluster] } })),
      users: names.map((user) => ({ name: user, user: { token: `${user}-token` } })),
      contexts: names.map((context) => ({ name: context, context: { cluster: context, user: context } })),
      ...(current === undefined ? {} : { 'current-context': current }),
    }
    writeFileSync(file, JSON.stringify(config))
    return file
  }

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'pilotlight-kubeconfig-'))
  })

  afterAll(() => rmSync(dir, { recursive: true }))

  it('reads a file, and the context that is asked for', async () => {
    const kubeconfig = write('two', { dev: 'https://dev:6443', prod: 'https://prod:6443' }, 'dev')
    expect((await loadKubeConfig({ kubeconfig })).getCurrentCluster()?.server).toBe('https://dev:6443')
    const prod = await loadKubeConfig({ kubeconfig, context: 'prod' })
    expect([prod.getCurrentCluster()?.server, prod.getCurrentUser()?.token]).toEqual([
      'https://prod:6443',
      'prod-token',
    ])
    await expect(loadKubeConfig({ kubeconfig, context: 'test' })).rejects.toThrow(
      `context "test" is not in ${kubeconfig}; it has dev, prod`,
    )
  })

  it('merges the files of KUBECONFIG, the first of a name wins', async () => {
    const files = [
      join(dir, 'missing'),
      write('first', { dev: 'https://first:6443' }),
      write('second', { dev: 'https://second:6443', prod: 'https://prod:6443' }, 'prod'),
    ]
    const env = { KUBECONFIG: files.join(delimiter) }
    const config = await loadKubeConfig({ env })
    expect(config.getCurrentContext()).toBe('prod')
    expect(config.getClusters().map(({ name, server }) => `${name} ${server}`)).toEqual([
      'dev https://first:6443',
      'prod https://prod:6443',
    ])
    await expect(loadKubeConfig({ env: { KUBECONFIG: files[0] } })).rejects.toThrow('missing: no such file')
  })

  it('says what it looked for when there is none', async () => {
    await expect(loadKubeConfig({ env: { HOME: dir } })).rejects.toThrow(
      'no Kubernetes cluster is configured: give --kubeconfig FILE, set KUBECONFIG, or run in a pod',
    )
  })

  it('says what is wrong with a file', async () => {
    const missing = join(dir, 'missing')
    await expect(loadKubeConfig({ kubeconfig: missing })).rejects.toThrow(
      `kubeconfig ${missing} cannot be used: ENOENT`,
    )
    const none = write('none', { dev: 'https://dev:6443' })
    await expect(loadKubeConfig({ kubeconfig: none })).rejects.toThrow(
      'names no cluster; it has the contexts dev',
    )
    const odd = write('odd', { dev: 'dev:6443' }, 'dev')
    await expect(loadKubeConfig({ kubeconfig: odd })).rejects.toThrow(
      'clusters[dev].server is "dev:6443"; expected an http or https URL',
    )
  })
})
