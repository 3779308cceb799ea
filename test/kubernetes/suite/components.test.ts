import { afterEach, describe, expect, it } from 'vitest'
import type { Component } from '../testbed/index.ts'
import { TestNamespace, testbed } from './cluster.ts'
import { deployment, pod, server } from './manifests.ts'

/** The faults that other tests make use of. */
describe.skipIf(testbed === undefined)('a component of the test bed', () => {
  const bed = testbed!
  const killed = new Set<Component>()

  async function kill(component: Component): Promise<void> {
    killed.add(component)
    await bed.kill(component)
  }

  async function restart(component: Component): Promise<void> {
    await bed.restart(component)
    killed.delete(component)
  }

  afterEach(async () => {
    for (const component of killed) await restart(component)
  })

  it('of the control plane can be killed and comes back, and pods go on meanwhile', async () => {
    await using namespace = await TestNamespace.make('components')
    await namespace.apply(deployment('web', 1))
    await namespace.waitFor('condition=Available', 'deployment/web')
    const address = await namespace.field('pod --selector app=web', '.items[0].status.podIP')
    for (const component of [
      'kube-apiserver',
      'etcd',
      'kube-scheduler',
      'kube-controller-manager',
    ] as const) {
      await kill(component)
      expect((await fetch(`http://${address}:8080/`)).status).toBe(200)
      await restart(component)
    }
    await namespace.kubectl('scale', 'deployment/web', '--replicas=2')
    await namespace.waitFor('jsonpath={.status.readyReplicas}=2', 'deployment/web')
  })

  it('can hang, and goes on where it stood', async () => {
    await using namespace = await TestNamespace.make('components')
    bed.pause('kube-apiserver')
    const asked = bed.exec('kubectl', ['get', '--raw', '/readyz', '--request-timeout=1s'])
    expect((await asked).code).not.toBe(0)
    bed.resume('kube-apiserver')
    expect(await namespace.kubectl('get', '--raw', '/readyz')).toBe('ok')
  })

  it('that is a node takes its pods along, is missed, and starts them again when it is back', async () => {
    await using namespace = await TestNamespace.make('components')
    await namespace.apply(pod('web', { containers: [server()] }))
    await namespace.waitFor('condition=Ready', 'pod/web')
    const node = await namespace.field('pod/web', '.spec.nodeName')
    const address = await namespace.field('pod/web', '.status.podIP')
    await kill(`node:${node}`)
    const asked = fetch(`http://${address}:8080/`, { signal: AbortSignal.timeout(2_000) })
    await expect(asked).rejects.toThrow(/fetch failed|timeout/)
    await namespace.waitFor('condition=Ready=Unknown', `node/${node}`)
    await namespace.waitFor('condition=Ready=false', 'pod/web')
    await restart(`node:${node}`)
    await namespace.waitFor('condition=Ready', 'pod/web')
    const count = await namespace.field('pod/web', '.status.containerStatuses[0].restartCount')
    expect(Number(count)).toBeGreaterThan(0)
    const newAddress = await namespace.field('pod/web', '.status.podIP')
    expect((await fetch(`http://${newAddress}:8080/`)).status).toBe(200)
  })
})
