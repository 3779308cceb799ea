import { describe, expect, it } from 'vitest'
import { Pace } from './pace.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Enters so many at once; says who has gone on so far. */
function burst(pace: Pace, count: number, gone: number[] = []): number[] {
  for (let one = 0; one < count; one++) {
    const wait = pace.enter()
    if (wait === undefined) gone.push(one)
    else void wait.then(() => gone.push(one))
  }
  return gone
}

describe('Pace', () => {
  it('lets so many go on in each turn, oldest first', async () => {
    const pace = new Pace(3)
    const gone = burst(pace, 8)
    expect(gone).toEqual([0, 1, 2])
    await turn()
    expect(gone).toEqual([0, 1, 2, 3, 4, 5])
    await turn()
    expect(gone).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it('lets nobody pass who waits, and counts those who did', async () => {
    const pace = new Pace(2)
    const first = burst(pace, 3)
    await turn()
    const second = burst(pace, 2)
    // Of this turn's two places the third of the first burst took one.
    expect(first).toEqual([0, 1, 2])
    expect(second).toEqual([0])
    await turn()
    expect(second).toEqual([0, 1])
  })

  it('holds up nobody in quiet times', async () => {
    const pace = new Pace(2)
    for (let round = 0; round < 5; round++) {
      expect(burst(pace, 2)).toEqual([0, 1])
      await turn()
    }
  })
})
