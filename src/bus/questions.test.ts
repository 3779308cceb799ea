import { describe, expect, it } from 'vitest'
import { ManualClock } from '../core/manual-clock.ts'
import { Questions } from './questions.ts'
import type { AnswerMessage } from './redis-messages.ts'

const live = new AbortController().signal
const no = (given: AnswerMessage): boolean => 'released' in given && !given.released

function answer(from: string, id = 1, released = true): AnswerMessage {
  return { from, id, released }
}

describe('Questions', () => {
  it('waits for every name and for every instance that heard it, whichever comes first', async () => {
    const questions = new Questions(new ManualClock(), 1_000)
    const heard = Promise.withResolvers<readonly string[]>()
    const asked = questions.ask(['a', 'b'], no, () => heard.promise, live)
    let isSettled = false
    void asked.then(() => (isSettled = true))
    for (const from of ['a#1', 'b#1', 'b#1']) questions.answer(answer(from))
    await new ManualClock().advance(0)
    expect(isSettled).toBe(false)
    heard.resolve(['a#1', 'a#2'])
    await new ManualClock().advance(0)
    expect(isSettled).toBe(false)
    questions.answer(answer('a#2'))
    expect(await asked).toEqual(['a#1', 'b#1', 'a#2'].map((from) => answer(from)))
    expect(questions.size).toBe(0)
  })

  it('ends with the first answer after which no other matters', async () => {
    const questions = new Questions(new ManualClock(), 1_000)
    const asked = questions.ask(['a', 'b'], no, () => new Promise(() => {}), live)
    questions.answer(answer('a#1'))
    questions.answer(answer('a#1', 1, false))
    expect(await asked).toEqual([answer('a#1', 1, false)])
  })

  it('is answered by nobody where nobody is asked', async () => {
    const questions = new Questions(new ManualClock(), 1_000)
    expect(await questions.ask([], no, async () => [], live)).toEqual([])
  })

  it.each([
    ['it could not be asked', async () => undefined],
    ['somebody said nothing in time', async () => ['a#1', 'b#1']],
  ])('is not answered where %s', async (_why, say) => {
    const clock = new ManualClock()
    const questions = new Questions(clock, 1_000)
    const asked = questions.ask([], no, say, live)
    questions.answer(answer('a#1'))
    await clock.advance(1_000)
    expect(await asked).toBeUndefined()
    // Too late, and to a question that was never asked.
    for (const id of [1, 2]) questions.answer(answer('b#1', id))
    expect([questions.size, clock.nextDueMs()]).toEqual([0, undefined])
  })

  it('ends all that are under way when no answer can come any more', async () => {
    const questions = new Questions(new ManualClock(), 1_000)
    const asked = [1, 2].map(() => questions.ask(['a'], no, async () => ['a#1'], live))
    questions.endAll()
    expect(await Promise.all(asked)).toEqual([undefined, undefined])
  })

  it('is called off with the reason of the signal', async () => {
    const clock = new ManualClock()
    const questions = new Questions(clock, 1_000)
    const over = new AbortController()
    const asked = questions.ask(['a'], no, async () => [], over.signal)
    const reason = new Error('no longer the leader')
    over.abort(reason)
    await expect(asked).rejects.toBe(reason)
    expect([questions.size, clock.nextDueMs()]).toEqual([0, undefined])
  })
})
