import { describe, expect, it } from 'vitest'
import { strategicMerge } from './strategic-merge.ts'

describe('strategicMerge', () => {
  it('merges maps, also inside others', () => {
    const base = { nodeSelector: { zone: 'a', gpu: 'a100' }, dnsConfig: { options: ['x'] } }
    const over = { nodeSelector: { zone: 'b' }, dnsConfig: { searches: ['y'] } }
    expect(strategicMerge(base, over)).toEqual({
      nodeSelector: { zone: 'b', gpu: 'a100' },
      dnsConfig: { options: ['x'], searches: ['y'] },
    })
  })

  it('merges volumes by name, without mixing two sources', () => {
    const base = {
      volumes: [
        { name: 'devshm', emptyDir: {} },
        { name: 'cache', emptyDir: {} },
      ],
    }
    const over = { volumes: [{ name: 'cache', persistentVolumeClaim: { claimName: 'c' } }, { name: 'mine' }] }
    expect(strategicMerge(base, over)).toEqual({
      volumes: [
        { name: 'devshm', emptyDir: {} },
        { name: 'cache', persistentVolumeClaim: { claimName: 'c' } },
        { name: 'mine' },
      ],
    })
  })

  it('replaces lists without a key, as Kubernetes does with tolerations', () => {
    const base = { tolerations: [{ key: 'a' }], command: ['a'] }
    expect(strategicMerge(base, { tolerations: [{ key: 'b' }], command: ['b'] })).toEqual({
      tolerations: [{ key: 'b' }],
      command: ['b'],
    })
  })

  it('merges containers of the same name', () => {
    const base = { initContainers: [{ name: 'warm', image: 'a', env: [{ name: 'X', value: '1' }] }] }
    const over = { initContainers: [{ name: 'warm', env: [{ name: 'Y', value: '2' }] }] }
    expect(strategicMerge(base, over)).toEqual({
      initContainers: [
        {
          name: 'warm',
          image: 'a',
          env: [
            { name: 'X', value: '1' },
            { name: 'Y', value: '2' },
          ],
        },
      ],
    })
  })

  it('leaves its arguments as they were, and undefined takes nothing away', () => {
    const base = { a: 1, nested: { b: 2 } }
    expect(strategicMerge(base, { a: undefined, nested: { c: 3 } })).toEqual({ a: 1, nested: { b: 2, c: 3 } })
    expect(base).toEqual({ a: 1, nested: { b: 2 } })
  })
})
