import { describe, expect, it } from 'vitest'
import type { ControllerMember } from '../core/report.ts'
import { silentLog, type Log } from '../core/telemetry.ts'
import { MemoryBus } from './memory.ts'

function controllerThatWrites(into: string[], name: string): ControllerMember {
  return { report: () => into.push(`${name} report`), wake: (revision) => into.push(`${name} ${revision}`) }
}

describe('MemoryBus', () => {
  it('delivers in the turn in which it is said', () => {
    const bus = new MemoryBus()
    const heard: string[] = []
    using _joined = bus.joinController(controllerThatWrites(heard, 'controller'))
    bus.wake('ml/iris-00001')
    expect(heard).toEqual(['controller ml/iris-00001'])
  })

  it('goes on with the new controller when the old one leaves after it', () => {
    const bus = new MemoryBus()
    const heard: string[] = []
    const old = bus.joinController(controllerThatWrites(heard, 'old'))
    using _joined = bus.joinController(controllerThatWrites(heard, 'new'))
    old[Symbol.dispose]()
    bus.wake('ml/iris-00001')
    expect(heard).toEqual(['new ml/iris-00001'])
  })

  it('does not throw at a gateway when the controller does, and says so', () => {
    const errors: object[] = []
    const log: Log = { ...silentLog, error: (fields) => errors.push(fields) }
    const bus = new MemoryBus(log)
    const broken = new Error('broken')
    using _joined = bus.joinController({
      report() {
        throw broken
      },
      wake() {
        throw broken
      },
    })
    bus.report([])
    bus.wake('ml/iris-00001')
    expect(errors).toEqual([{ err: broken }, { err: broken }])
  })
})
