import { describe, expect, it } from 'vitest'
import { Queue, type Place, type QueueBounds } from './queue.ts'

interface Named extends Place<Named> {
  readonly name: string
}

function open(bounds: QueueBounds): { queue: Queue<Named>; push: (name: string, bytes: number) => Named } {
  const queue = new Queue<Named>(bounds)
  const push = (name: string, bytes: number): Named => {
    const place: Named = { name, bytes, before: undefined, after: undefined, queued: false }
    queue.push(place)
    return place
  }
  return { queue, push }
}

function drain(queue: Queue<Named>): string[] {
  const values: string[] = []
  for (let place = queue.oldest; place !== undefined; place = queue.oldest) {
    values.push(place.name)
    queue.leave(place)
  }
  return values
}

describe('Queue', () => {
  it('refuses one more than may wait', () => {
    const { queue, push } = open({ depthMax: 2, bytesMax: 100 })
    push('a', 0)
    expect(queue.refuses(0)).toBeUndefined()
    push('b', 0)
    expect(queue.refuses(0)).toBe('QUEUE_FULL')
  })

  it('refuses the byte too many, and takes one that fits exactly', () => {
    const { queue, push } = open({ depthMax: 10, bytesMax: 100 })
    push('a', 60)
    expect(queue.refuses(40)).toBeUndefined()
    expect(queue.refuses(41)).toBe('QUEUE_BYTES_FULL')
  })

  it('counts those who wait elsewhere against the depth that it shares with them', () => {
    const { queue, push } = open({ depthMax: 3, bytesMax: 100 })
    push('a', 0)
    expect([queue.refuses(0, 1), queue.refuses(0, 2)]).toEqual([undefined, 'QUEUE_FULL'])
  })

  it('lets nobody wait where the depth is 0', () => {
    expect(open({ depthMax: 0, bytesMax: 100 }).queue.refuses(0)).toBe('QUEUE_FULL')
  })

  it.each([
    { leaves: 'first', at: 0, left: ['b', 'c', 'd'] },
    { leaves: 'in the middle', at: 1, left: ['a', 'c', 'd'] },
    { leaves: 'last', at: 3, left: ['a', 'b', 'c'] },
  ])('stays in order when the one $leaves leaves, and gets its bytes back once', ({ at, left }) => {
    const { queue, push } = open({ depthMax: 10, bytesMax: 100 })
    const places = ['a', 'b', 'c', 'd'].map((name, index) => push(name, 10 + index))
    const leaving = places[at]!
    queue.leave(leaving)
    queue.leave(leaving)
    expect(queue.depth).toBe(3)
    expect(queue.bytes).toBe(46 - leaving.bytes)
    expect([leaving.before, leaving.after]).toEqual([undefined, undefined])
    expect(drain(queue)).toEqual(left)
    expect([queue.depth, queue.bytes, queue.oldest]).toEqual([0, 0, undefined])
  })

  it('goes on after it was empty', () => {
    const { queue, push } = open({ depthMax: 1, bytesMax: 1 })
    queue.leave(push('a', 1))
    push('b', 1)
    expect(queue.oldest?.name).toBe('b')
    expect(drain(queue)).toEqual(['b'])
  })
})
