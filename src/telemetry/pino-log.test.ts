import { describe, expect, it } from 'vitest'
import { ManualClock } from '../core/manual-clock.ts'
import { pinoLog, type PinoLogOptions } from './pino-log.ts'

/** 2023-11-14 22:13:20.123 UTC. */
const clock = new ManualClock(1_700_000_000_123)

function capture(options: Omit<PinoLogOptions, 'clock' | 'write'> = {}) {
  const lines: string[] = []
  return { lines, log: pinoLog({ ...options, clock, write: (line) => lines.push(line) }) }
}

describe('pinoLog', () => {
  it('writes one JSON line a sentence, with the time of its clock', () => {
    const { log, lines } = capture()
    log.info({ revision: 'a/b', replicas: 2 }, 'scaled')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { level: 'info', time: 1_700_000_000_123, revision: 'a/b', replicas: 2, msg: 'scaled' },
    ])
  })

  it('keeps the message and the stack of an error', () => {
    const { log, lines } = capture()
    log.error({ err: new Error('no room') }, 'the replica did not start')
    expect(JSON.parse(lines[0]!)).toMatchObject({
      err: { message: 'no room', stack: expect.stringContaining('no room') },
    })
  })

  it.each([
    ['debug', 4],
    ['info', 3],
    ['warn', 2],
    ['error', 1],
    ['silent', 0],
  ] as const)('at level %s lets %i of four lines through', (level, count) => {
    const { log, lines } = capture({ level })
    for (const each of ['debug', 'info', 'warn', 'error'] as const) log[each]({}, 'line')
    expect(lines).toHaveLength(count)
  })

  it('writes a readable line for a terminal, without a line break in it', () => {
    const { log, lines } = capture({ pretty: true })
    log.warn({ revision: 'a/b', limits: ['max'], why: 'two words', err: new Error('x\ny') }, 'scaled')
    expect(lines).toEqual([
      '22:13:20.123 warn  scaled revision=a/b limits=["max"] why="two words" err="x\\ny"\n',
    ])
  })

  it('colours only when told to', () => {
    const { log, lines } = capture({ pretty: true, colour: true })
    log.error({}, 'gone')
    expect(lines[0]).toBe('\u001B[90m22:13:20.123\u001B[0m \u001B[31merror\u001B[0m gone\n')
  })
})
