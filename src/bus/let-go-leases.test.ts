import { describe, expect, it } from 'vitest'
import { ManualClock } from '../core/manual-clock.ts'
import type { RevisionName } from '../core/names.ts'
import { LetGoLeases } from './let-go-leases.ts'

const IRIS: RevisionName = 'ml/iris-00001'
const BERT: RevisionName = 'ml/bert-00001'

function world(): {
  readonly clock: ManualClock
  readonly leases: LetGoLeases
  readonly kept: RevisionName[]
} {
  const clock = new ManualClock()
  const kept: RevisionName[] = []
  return { clock, kept, leases: new LetGoLeases(clock, (revision) => kept.push(revision)) }
}

describe('LetGoLeases', () => {
  it('keeps by itself five seconds after it let go last', async () => {
    const { clock, leases, kept } = world()
    leases.begin(IRIS)
    await clock.advance(4_000)
    leases.begin(IRIS)
    leases.begin(BERT)
    await clock.advance(4_999)
    expect(kept).toEqual([])
    await clock.advance(1)
    expect(kept).toEqual([IRIS, BERT])
    expect(clock.nextDueMs()).toBeUndefined()
  })

  it('does nothing more of what it was told to keep', async () => {
    const { clock, leases, kept } = world()
    leases.begin(IRIS)
    leases.end(IRIS)
    leases.end(BERT)
    await clock.advance(10_000)
    expect(kept).toEqual([])
  })

  it('keeps all at once, and once', async () => {
    const { clock, leases, kept } = world()
    leases.begin(IRIS)
    leases.begin(BERT)
    leases.endAll()
    expect(kept).toEqual([IRIS, BERT])
    leases.endAll()
    await clock.advance(10_000)
    expect(kept).toEqual([IRIS, BERT])
  })
})
