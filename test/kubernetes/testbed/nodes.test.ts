import { describe, expect, it } from 'vitest'
import { parseNode, placeNodes } from './nodes.ts'

describe('nodes of a test bed', () => {
  it('are written as a name and its properties', () => {
    expect(
      parseNode('gpu-a,gpus=8,label:zone=east,taint:nvidia.com/gpu=present:NoSchedule,taint:slow:NoExecute'),
    ).toEqual({
      name: 'gpu-a',
      gpus: 8,
      labels: { zone: 'east' },
      taints: [
        { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' },
        { key: 'slow', value: '', effect: 'NoExecute' },
      ],
    })
  })

  it.each([
    ['a,gpu=8', 'node a: got "gpu=8"; allowed: gpus=N, label:KEY=VALUE, taint:KEY[=VALUE]:EFFECT'],
    ['a,label:zone', 'node a: got "label:zone"'],
  ])('cannot be written as %s', (text, message) => {
    expect(() => parseNode(text)).toThrow(message)
  })

  it('keep their place when others are added, and are not added twice', () => {
    const two = placeNodes([], [{ name: 'a' }, { name: 'b', gpus: 2 }])
    expect(two.map(({ name, index, gpus }) => [name, index, gpus])).toEqual([
      ['a', 1, 0],
      ['b', 2, 2],
    ])
    const [, b] = two
    expect(
      placeNodes([b!], [{ name: 'b', gpus: 4 }, { name: 'c' }]).map(({ name, index }) => [name, index]),
    ).toEqual([
      ['b', 2],
      ['c', 1],
    ])
  })

  it('have names and taints that Kubernetes accepts', () => {
    expect(() => placeNodes([], [{ name: 'Node' }])).toThrow('node name: got "Node"')
    const taint = { key: 'a', value: '', effect: 'Never' }
    expect(() => placeNodes([], [{ name: 'a', taints: [taint] }])).toThrow(
      'taint of node a: got effect Never; allowed: NoSchedule, PreferNoSchedule, NoExecute',
    )
  })
})
