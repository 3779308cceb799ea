import { expect, it } from 'vitest'
import { ManualClock } from './manual-clock.ts'
import { Paced } from './paced.ts'

/** Work that takes so long, and when it was done: by the time that has passed outside of it. */
function paced(costMs: number) {
  const clock = new ManualClock(0)
  const doneAtMs: number[] = []
  const busy = {
    now: () => clock.now() + doneAtMs.length * costMs,
    after: clock.after.bind(clock),
    sleep: clock.sleep.bind(clock),
  }
  const work = new Paced(busy, () => void doneAtMs.push(clock.now()))
  return { clock, work, doneAtMs }
}

it('does cheap work each time, before ask returns', () => {
  const { work, doneAtMs } = paced(0)
  for (let i = 0; i < 3; i++) work.ask()
  expect(doneAtMs).toHaveLength(3)
})

it('does dear work at once, and then once for all that asked in a pause of four times its length', async () => {
  const { clock, work, doneAtMs } = paced(20)
  work.ask()
  for (let i = 0; i < 5; i++) work.ask()
  await clock.advance(79)
  expect(doneAtMs).toEqual([0])
  await clock.advance(1)
  expect(doneAtMs).toEqual([0, 80])
})

it('does nothing in a pause that nobody asked in, and the next one at once', async () => {
  const { clock, work, doneAtMs } = paced(20)
  work.ask()
  await clock.advance(500)
  expect(doneAtMs).toEqual([0])
  work.ask()
  expect(doneAtMs).toEqual([0, 500])
})

it('does nothing more once it is disposed', async () => {
  const { clock, work, doneAtMs } = paced(20)
  work.ask()
  work.ask()
  work[Symbol.dispose]()
  await clock.advance(1_000)
  expect(doneAtMs).toEqual([0])
})
