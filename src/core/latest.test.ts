import { describe, expect, it } from 'vitest'
import { Latest } from './latest.ts'

describe('Latest', () => {
  it('gives the value of now, then each change', async () => {
    const latest = new Latest('a')
    const stop = new AbortController()
    const values = latest.values(stop.signal)
    expect(await values.next()).toEqual({ done: false, value: 'a' })
    const next = values.next()
    latest.set('b')
    expect(await next).toEqual({ done: false, value: 'b' })
    expect(latest.value).toBe('b')
  })

  it('skips what a slow follower did not look at, and gives the newest', async () => {
    const latest = new Latest(0)
    const values = latest.values(new AbortController().signal)
    await values.next()
    for (let nth = 1; nth <= 5; nth++) latest.set(nth)
    expect(await values.next()).toEqual({ done: false, value: 5 })
    const next = values.next()
    latest.set(6)
    expect(await next).toEqual({ done: false, value: 6 })
  })

  it('tells every follower, also of a value that is the same', async () => {
    const latest = new Latest('same')
    const { signal } = new AbortController()
    const followers = [latest.values(signal), latest.values(signal)]
    await Promise.all(followers.map((follower) => follower.next()))
    const told = Promise.all(followers.map((follower) => follower.next()))
    latest.set('same')
    expect((await told).map(({ value }) => value)).toEqual(['same', 'same'])
  })

  it('ends without an error when the signal is aborted, in mid-wait or before', async () => {
    const latest = new Latest('a')
    const stop = new AbortController()
    const values = latest.values(stop.signal)
    await values.next()
    const waiting = values.next()
    stop.abort(new Error('stopped'))
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await latest.values(stop.signal).next()).toEqual({ done: true, value: undefined })
  })
})
