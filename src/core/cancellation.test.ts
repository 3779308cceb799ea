import { describe, expect, it } from 'vitest'
import { Cancel, type Cancellation, type CancellationListener } from './cancellation.ts'

const reason = new Error('the client went away')

/** The two that code of ours is given: they have to behave alike. */
const kinds = [
  {
    name: 'Cancel',
    make: (): { signal: Cancellation; abort: (why: unknown) => void } => {
      const cancel = new Cancel()
      return { signal: cancel, abort: (why) => cancel.abort(why) }
    },
  },
  {
    name: 'AbortController',
    make: (): { signal: Cancellation; abort: (why: unknown) => void } => {
      const controller = new AbortController()
      return { signal: controller.signal, abort: (why) => controller.abort(why) }
    },
  },
]

describe.each(kinds)('$name', ({ make }) => {
  const listener = (tell: () => void): CancellationListener => ({ handleEvent: tell })

  it('says nothing until it is aborted, then why', () => {
    const { signal, abort } = make()
    expect([signal.aborted, signal.reason]).toEqual([false, undefined])
    expect(() => signal.throwIfAborted()).not.toThrow()
    abort(reason)
    expect([signal.aborted, signal.reason]).toEqual([true, reason])
    expect(() => signal.throwIfAborted()).toThrow(reason)
  })

  it('tells each listener once, in order, with the first reason', () => {
    const { signal, abort } = make()
    const told: unknown[] = []
    signal.addEventListener(
      'abort',
      listener(() => told.push(['first', signal.reason])),
    )
    signal.addEventListener(
      'abort',
      listener(() => told.push(['second', signal.aborted])),
      { once: true },
    )
    abort(reason)
    abort(new Error('too late'))
    expect(told).toEqual([
      ['first', reason],
      ['second', true],
    ])
    expect(signal.reason).toBe(reason)
  })

  it('does not tell one that was removed, nor one that comes too late', () => {
    const { signal, abort } = make()
    const told: string[] = []
    const removed = listener(() => told.push('removed'))
    const unknown = listener(() => told.push('unknown'))
    signal.addEventListener('abort', removed)
    signal.addEventListener(
      'abort',
      listener(() => told.push('stays')),
    )
    signal.removeEventListener('abort', removed)
    signal.removeEventListener('abort', unknown)
    abort(reason)
    signal.addEventListener(
      'abort',
      listener(() => told.push('late')),
    )
    abort(reason)
    expect(told).toEqual(['stays'])
  })

  it('lets one that is told remove another and itself', () => {
    const { signal, abort } = make()
    const told: string[] = []
    const self: CancellationListener = listener(() => {
      told.push('self')
      signal.removeEventListener('abort', self)
      signal.removeEventListener('abort', other)
    })
    const other = listener(() => told.push('other'))
    signal.addEventListener('abort', self)
    signal.addEventListener('abort', other)
    signal.addEventListener(
      'abort',
      listener(() => told.push('third')),
    )
    abort(reason)
    expect(told).toEqual(['self', 'third'])
  })
})
