import { describe, expect, it } from 'vitest'
import type { Report } from '../core/report.ts'
import {
  decodeAnswer,
  decodeDown,
  decodeUp,
  encode,
  encodeReports,
  instanceOf,
  MalformedMessage,
  nameOf,
} from './redis-messages.ts'

const report: Report = {
  gateway: 'gateway-0',
  revision: 'ml/iris-predictor-00001',
  atMs: 1_764_000_000_000.25,
  concurrency: 0.1 + 0.2,
  requests: 7,
  waiting: 0,
  inFlight: 2,
}

describe('messages on Redis', () => {
  it('say what was said', () => {
    expect(decodeUp(encodeReports([report, report]))).toEqual({ reports: [report, report] })
    const more = { ...report, waited: { requests: 2, totalMs: 130.5 }, tokens: { prompt: 7, generated: 12 } }
    expect(decodeUp(encodeReports([more, report]))).toEqual({ reports: [more, report] })
    const wake = { wake: report.revision }
    expect(decodeUp(encode(wake))).toEqual(wake)
    const down = [
      { from: 'controller#1', id: 1, letGo: report.revision },
      { from: 'controller#1', id: 2, load: ['ml/iris-1', 'ml/iris-2'] as const },
      { keep: report.revision },
    ]
    for (const message of down) expect(decodeDown(encode(message))).toEqual(message)
    const answers = [
      { from: 'gateway#1', id: 1, released: false },
      { from: 'gateway#1', id: 2, inFlight: [0, 3] },
    ]
    for (const message of answers) expect(decodeAnswer(encode(message))).toEqual(message)
  })

  it('stay short: a report costs what it says', () => {
    const [one, two] = [encodeReports([report]).length, encodeReports([report, report]).length]
    expect(two - one).toBeLessThan(100)
  })

  it('pass over fields of a later version', () => {
    expect(decodeUp('{"wake":"ml/iris","since":1}')).toEqual({ wake: 'ml/iris' })
    expect(decodeDown('{"keep":"ml/iris","until":1}')).toEqual({ keep: 'ml/iris' })
  })

  it.each([
    [decodeUp, '', 'the message is not JSON'],
    [decodeUp, '7', 'it has none of reports, wake'],
    [decodeUp, '[]', 'it has none of reports, wake'],
    [decodeUp, '{"wake":"iris"}', 'wake: has to be namespace/name'],
    [decodeUp, '{"wake":"ml/iris/1"}', 'wake: has to be namespace/name'],
    [decodeUp, '{"reports":[["gw","ml/iris",1,1,1,0]]}', 'reports.0'],
    [decodeUp, '{"reports":[["gw","ml/iris",1,1,0.5,0,0]]}', 'reports.0.4: Invalid input: expected int'],
    [decodeUp, '{"reports":[["gw","ml/iris",1,null,1,0,0]]}', 'reports.0.3: Invalid input: expected number'],
    [decodeDown, '{"from":"x","id":1}', 'it has none of letGo, load, keep'],
    [decodeDown, '{"from":"x","id":1,"load":["ml/a","b"]}', 'load.1: has to be namespace/name'],
    [decodeDown, '{"from":"x","id":1.5,"letGo":"ml/iris"}', 'id: Invalid input: expected int'],
    [decodeDown, '{"keep":["ml/iris"]}', 'keep: has to be namespace/name'],
    [decodeAnswer, '{"from":"x","id":1,"released":"yes"}', 'released: Invalid input: expected boolean'],
    [decodeAnswer, '{"from":"x","id":1,"inFlight":[0,-1]}', 'inFlight.1: Too small'],
    [decodeAnswer, '{"from":"","id":1,"released":true}', 'from: Too small'],
  ])('%o names the field of %s', (decode, text, reason) => {
    const decoding = (): unknown => decode(text)
    expect(decoding).toThrow(MalformedMessage)
    expect(decoding).toThrow(reason)
  })

  it('tell two lives of one name apart', () => {
    expect(nameOf(instanceOf('gateway#0', 35))).toBe('gateway#0')
    expect(instanceOf('gateway', 1)).not.toBe(instanceOf('gateway', 2))
  })
})
