import { describe, expect, it } from 'vitest'
import { SystemClock } from '../../../src/core/clock.ts'
import { TestNamespace, testbed } from './cluster.ts'
import { deployment, FOR_EVER, pod, script, server } from './manifests.ts'

const clock = new SystemClock()

function gpus(count: number): object {
  return server({ resources: { limits: { 'nvidia.com/gpu': count } } })
}

describe.skipIf(testbed === undefined)('the test bed', () => {
  it('runs the pods of a Deployment, and they answer at their addresses', async () => {
    await using namespace = await TestNamespace.make('bed-deployment')
    await namespace.apply(deployment('web', 2))
    await namespace.waitFor('condition=Available', 'deployment/web')
    await namespace.waitFor('condition=Ready', 'pod --selector app=web')
    const lines = 'range .items[*]}{.metadata.name} {.status.podIP}{"\\n"}{end'
    const pods = (await namespace.field('pod --selector app=web', lines)).trim().split('\n')
    expect(pods).toHaveLength(2)
    for (const line of pods) {
      const [name, address] = line.split(' ')
      const answer = await fetch(`http://${address}:8080/`)
      expect(await answer.text()).toBe(`${name}\n`)
    }
  })

  it('gives a pod that needs GPUs a node that has them, and no room to the next', async () => {
    await using namespace = await TestNamespace.make('bed-gpus')
    await namespace.apply(pod('first', { containers: [gpus(6)] }))
    await namespace.waitFor('condition=Ready', 'pod/first')
    const node = await namespace.field('pod/first', '.spec.nodeName')
    const capacity = String.raw`.status.capacity.nvidia\.com/gpu`
    expect(await namespace.field(`node/${node}`, capacity)).toBe('8')
    await namespace.apply(pod('second', { containers: [gpus(6)] }))
    await namespace.waitFor('condition=PodScheduled=false', 'pod/second')
    const scheduled = '.status.conditions[?(@.type=="PodScheduled")]'
    expect(await namespace.field('pod/second', `${scheduled}.reason`)).toBe('Unschedulable')
    expect(await namespace.field('pod/second', `${scheduled}.message`)).toContain(
      'Insufficient nvidia.com/gpu',
    )
  })

  it('lets a pod end in its own time, and kills it at the end of the grace period', async () => {
    await using namespace = await TestNamespace.make('bed-grace')
    const slow = server({ env: [{ name: 'STOP_AFTER_MS', value: '700' }] })
    await namespace.apply(
      pod('slow', { containers: [slow], terminationGracePeriodSeconds: 30 }),
      pod('stubborn', { containers: [script('deaf', `trap : TERM; ${FOR_EVER}`)] }),
    )
    await namespace.waitFor('condition=Ready', 'pod --all')
    const address = await namespace.field('pod/slow', '.status.podIP')

    const deletedMs = clock.now()
    const timeToDelete = async (name: string): Promise<number> => {
      await namespace.kubectl('delete', 'pod', name, '--wait=true')
      return clock.now() - deletedMs
    }
    const answersWhileItEnds = async (): Promise<void> => {
      await namespace.waitFor('jsonpath={.metadata.deletionTimestamp}', 'pod/slow')
      expect((await fetch(`http://${address}:8080/`)).status).toBe(200)
    }
    const [slowMs, stubbornMs] = await Promise.all([
      timeToDelete('slow'),
      timeToDelete('stubborn'),
      answersWhileItEnds(),
    ])
    expect(slowMs).toBeGreaterThan(700)
    expect(slowMs).toBeLessThan(15_000)
    expect(stubbornMs).toBeGreaterThan(2_000)
    expect(stubbornMs).toBeLessThan(25_000)
  })
})
