import { expect, test } from 'vitest'
import { CLOSED, ClosedStreams } from './closed-streams.ts'

test('it is known how the last streams were closed, and not of those long ago', () => {
  const closed = new ClosedStreams()
  closed.add(1, CLOSED.whole)
  closed.add(3, CLOSED.resetByUs)
  closed.add(5, CLOSED.resetByPeer)
  expect([1, 3, 5, 7].map((id) => closed.how(id))).toEqual([
    CLOSED.whole,
    CLOSED.resetByUs,
    CLOSED.resetByPeer,
    CLOSED.unknown,
  ])
  for (let id = 7; id < 7 + 2 * 128; id += 2) closed.add(id, CLOSED.whole)
  expect([1, 3, 5].map((id) => closed.how(id))).toEqual([CLOSED.unknown, CLOSED.unknown, CLOSED.unknown])
  expect(closed.how(7)).toBe(CLOSED.whole)
})
