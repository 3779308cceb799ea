import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../core/manual-clock.ts'
import type { Replica } from '../core/replica.ts'
import { groupUsages, linesOfPsOutput, type GroupUsage } from './process-table.ts'
import { ProcessUsage } from './process-usage.ts'

const REVISION = 'ml/iris-predictor-00001'

function replica(pid: number | undefined): Replica {
  return {
    name: `${REVISION}-a`,
    revision: REVISION,
    phase: 'ready',
    sinceMs: 0,
    createdAtMs: 0,
    restarts: 0,
    ...(pid === undefined ? {} : { pid }),
  }
}

describe('ProcessUsage', () => {
  const { signal } = new AbortController()

  async function readings(groups: readonly (GroupUsage | undefined)[], given: Replica = replica(7)) {
    const clock = new ManualClock(1_000)
    const left = [...groups]
    const usage = new ProcessUsage(clock, () => {
      const group = left.shift()
      return Promise.resolve(new Map(group === undefined ? [] : [[7, group]]))
    })
    const found = []
    while (left.length > 0) {
      found.push((await usage.usage([given], signal)).get(`${REVISION}-a`))
      await clock.advance(5_000)
    }
    return found
  }

  const group = (cpuSeconds: number): GroupUsage => ({ pids: [7, 8], cpuSeconds, memoryBytes: 2_048 })

  it('is a mean between two readings', async () => {
    const [first, second] = await readings([group(10), group(12.5)])
    expect(first).toMatchObject({ absent: 'one reading so far' })
    const containers = [{ name: 'kserve-container', cpuCores: 0.5, memoryBytes: 2_048 }]
    expect(second).toEqual({ value: { windowMs: 5_000, containers }, atMs: 6_000, from: 'process table' })
  })

  it('is not below 0 where a process took its time along', async () => {
    const [, second] = await readings([group(10), group(4)])
    expect(second).toMatchObject({ value: { containers: [{ cpuCores: 0 }] } })
  })

  it('begins anew when the process was away', async () => {
    const found = await readings([group(10), undefined, group(20), group(25)])
    expect(found.map((each) => (each !== undefined && 'absent' in each ? each.absent : 'value'))).toEqual([
      'one reading so far',
      'no process',
      'one reading so far',
      'value',
    ])
    expect((await readings([group(1)], replica(undefined)))[0]).toMatchObject({ absent: 'no process' })
  })
})

describe('groupUsages', () => {
  it('adds up what a process and those that it started use', async () => {
    const burn =
      'let sum = 0; for (let i = 0; i < 3e8; i += 1) sum += i; console.log(sum); setInterval(() => {}, 1e6)'
    const script = `
      const { spawn } = require('node:child_process')
      spawn(process.execPath, ['-e', ${JSON.stringify(burn)}], { stdio: 'inherit' })`
    const leader = spawn(process.execPath, ['-e', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pid = leader.pid ?? 0
    try {
      await once(leader.stdout, 'data')
      const group = (await groupUsages(new AbortController().signal)).get(pid)
      expect(group?.pids.length).toBe(2)
      expect(group?.pids).toContain(pid)
      expect(group?.cpuSeconds).toBeGreaterThan(0.05)
      expect(group?.memoryBytes).toBeGreaterThan(20 * 2 ** 20)
    } finally {
      process.kill(-pid, 'SIGKILL')
      await once(leader, 'exit')
    }
  })

  it('reads what ps prints', () => {
    const text =
      '    1     1  9000   0:12.34\n 4242  4200 10240 1-02:03:04.50\nbroken line\n  77 77 5 01:02:03\n'
    expect(linesOfPsOutput(text)).toEqual([
      { pid: 1, group: 1, cpuSeconds: 12.34, memoryBytes: 9_216_000 },
      { pid: 4_242, group: 4_200, cpuSeconds: 93_784.5, memoryBytes: 10_485_760 },
      { pid: 77, group: 77, cpuSeconds: 3_723, memoryBytes: 5_120 },
    ])
  })
})
