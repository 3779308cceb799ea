import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog, type Log } from '../core/telemetry.ts'
import { ManualClock } from '../core/manual-clock.ts'
import { collect } from '../../test/support/collect.ts'
import { FileHistory } from './file-history.ts'
import { startTimeOf } from './process-identity.ts'
import { ReplicaLogStore } from './replica-logs.ts'
import { lockStateDir, StateDirInUse } from './state-lock.ts'
import { rfc3339Ms } from '../core/clock.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pilotlight-state-'))
})
afterEach(() => rm(dir, { recursive: true }))

describe('FileHistory', () => {
  it('keeps values by key, whatever the key, and forgets them', async () => {
    const history = new FileHistory(dir, silentLog)
    const long = `ml/${'x'.repeat(300)}`
    await Promise.all([history.save('ml/a', 1), history.save('ml_a', [2]), history.save(long, { c: 3 })])
    await Promise.all([history.save('ml/a', 4), history.save('ml/a', 5), history.save('ml_a', undefined)])
    expect(await new FileHistory(dir, silentLog).load()).toEqual({ 'ml/a': 5, [long]: { c: 3 } })
  })

  it('moves a corrupt file aside and says which', async () => {
    const warnings: string[] = []
    const log: Log = { ...silentLog, warn: (_fields, sentence) => warnings.push(sentence) }
    await new FileHistory(dir, log).save('good', 1)
    await writeFile(join(dir, 'bad.json'), '{"key":')
    expect(await new FileHistory(dir, log).load()).toEqual({ good: 1 })
    expect(warnings).toEqual([expect.stringContaining(join(dir, 'bad.json'))])
    expect(await readdir(dir)).toContain('bad.json.corrupt')
  })
})

describe('lockStateDir', () => {
  it('refuses a second one until the first is given back', () => {
    {
      using _lock = lockStateDir(dir)
      expect(() => lockStateDir(dir)).toThrow(StateDirInUse)
      expect(() => lockStateDir(dir)).toThrow(`${dir} is in use by process ${process.pid}`)
    }
    using _again = lockStateDir(dir)
  })

  it.each([
    ['of a process that has gone', '999999999 long ago'],
    ['whose pid another process has now', `${process.pid} another time`],
    ['that nobody can read', ''],
  ])('takes over a lock %s', async (_what, text) => {
    await writeFile(join(dir, 'lock'), text)
    using _lock = lockStateDir(dir)
    expect(await readdir(dir)).toEqual(['lock'])
  })
})

it('tells processes apart by their start', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
  const startTime = startTimeOf(child.pid!)
  expect(startTime).toBeDefined()
  expect(startTimeOf(child.pid!)).toBe(startTime)
  expect(startTime).not.toBe(startTimeOf(process.pid))
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(startTimeOf(child.pid!)).toBeUndefined()
})

describe('ReplicaLogStore', () => {
  const NAME = 'ml/iris-predictor-00001-aaaaa'
  const never = new AbortController().signal

  it('reads the tail, follows, and ends with the replica', async () => {
    const logs = new ReplicaLogStore(dir, new ManualClock(0))
    for (const line of ['a', 'b', 'c']) logs.append(NAME, line)
    const tail = await collect(logs.read(NAME, { tailLines: 2, follow: false }, never))
    expect(tail).toEqual(['1970-01-01T00:00:00.000Z b', '1970-01-01T00:00:00.000Z c'])
    const followed = collect(logs.read(NAME, { tailLines: 1, follow: true }, never))
    logs.append(NAME, 'd')
    logs.end(NAME)
    expect((await followed).map((line) => line.at(-1))).toEqual(['c', 'd'])
    expect(logs.has('ml/none')).toBe(false)
  })

  it('ends for a follower that goes away', async () => {
    const logs = new ReplicaLogStore(dir, new ManualClock(0))
    logs.append(NAME, 'a')
    const stop = new AbortController()
    const followed = collect(logs.read(NAME, { follow: true }, stop.signal))
    stop.abort()
    expect((await followed).length).toBeLessThanOrEqual(1)
    logs.end(NAME)
  })

  it('keeps a bounded number of lines in memory', async () => {
    const logs = new ReplicaLogStore(dir, new ManualClock(0))
    for (let line = 0; line < 10_000; line += 1) logs.append(NAME, String(line))
    const kept = await collect(logs.read(NAME, { tailLines: 10_000, follow: false }, never))
    expect(kept.length).toBeLessThanOrEqual(4_000)
    expect(kept.at(-1)).toMatch(/ 9999$/)
    logs.end(NAME)
  })
})

it.each([
  [0, '1970-01-01T00:00:00.000Z'],
  [951_782_400_000, '2000-02-29T00:00:00.000Z'],
  [1_735_689_599_999.9, '2024-12-31T23:59:59.999Z'],
  [4_107_542_400_000, '2100-03-01T00:00:00.000Z'],
])('%d ms are %s', (epochMs, text) => {
  expect(rfc3339Ms(epochMs)).toBe(text)
})
