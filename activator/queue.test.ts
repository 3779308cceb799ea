import { describe, expect, it } from 'vitest'
import { Queue } from './queue.ts'

function drain(queue: Queue<string>): string[] {
  const values: string[] = []
  for (let place = queue.oldest; place !== undefined; place = queue.oldest) {
    values.push(place.value)
    queue.leave(place)
  }
  return values
}

describe('Queue', () => {
  it('refuses one more than may wait', () => {
    const queue = new Queue<string>({ depthMax: 2, bytesMax: 100 })
    queue.push('a', 0, 0)
    expect(queue.refuses(0)).toBeUndefined()
    queue.push('b', 0, 0)
    expect(queue.refuses(0)).toBe('QUEUE_FULL')
  })

  it('refuses the byte too many, and takes one that fits exactly', () => {
    const queue = new Queue<string>({ depthMax: 10, bytesMax: 100 })
    queue.push('a', 60, 0)
    expect(queue.refuses(40)).toBeUndefined()
    expect(queue.refuses(41)).toBe('QUEUE_BYTES_FULL')
  })

  it('lets nobody wait where the depth is 0', () => {
    expect(new Queue<string>({ depthMax: 0, bytesMax: 100 }).refuses(0)).toBe('QUEUE_FULL')
  })

  it.each([
    { leaves: 'first', at: 0, left: ['b', 'c', 'd'] },
    { leaves: 'in the middle', at: 1, left: ['a', 'c', 'd'] },
    { leaves: 'last', at: 3, left: ['a', 'b', 'c'] },
  ])('stays in order when the one $leaves leaves, and gets its bytes back once', ({ at, left }) => {
    const queue = new Queue<string>({ depthMax: 10, bytesMax: 100 })
    const places = ['a', 'b', 'c', 'd'].map((value, index) => queue.push(value, 10 + index, index))
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
    const queue = new Queue<string>({ depthMax: 1, bytesMax: 1 })
    queue.leave(queue.push('a', 1, 0))
    queue.push('b', 1, 5)
    expect(queue.oldest?.sinceMs).toBe(5)
    expect(drain(queue)).toEqual(['b'])
  })
})
