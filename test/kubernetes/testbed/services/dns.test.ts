import { describe, expect, it } from 'vitest'
import { answer } from './dns.ts'

const A = 1
const AAAA = 28

function question(name: string, type = A): Buffer {
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)])
  const header = Buffer.from([0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0])
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, type, 0, 1])])
}

const names = new Map([
  ['web.default', ['10.96.0.7', '10.96.0.8']],
  ['empty.default', []],
])
const resolve = (name: string): readonly string[] | undefined => names.get(name)

describe('an answer of the name server', () => {
  it('carries the question and an address in each record', () => {
    const asked = question('Web.default')
    const said = answer(asked, resolve)!
    expect(said.readUInt16BE(0)).toBe(0x12_34)
    expect(said.readUInt16BE(2)).toBe(0x85_00)
    expect(said.readUInt16BE(6)).toBe(2)
    expect(said.subarray(12, asked.length)).toEqual(asked.subarray(12))
    const first = said.subarray(asked.length, asked.length + 16)
    expect([...first]).toEqual([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 10, 96, 0, 7])
    expect([...said.subarray(-4)]).toEqual([10, 96, 0, 8])
  })

  it('says that there is no such name, which is another thing than no such address', () => {
    const codeAndCount = (message: Buffer): number[] => {
      const said = answer(message, resolve)!
      return [said.readUInt16BE(2) & 0xf, said.readUInt16BE(6)]
    }
    expect(codeAndCount(question('missing.default'))).toEqual([3, 0])
    expect(codeAndCount(question('empty.default'))).toEqual([0, 0])
    expect(codeAndCount(question('web.default', AAAA))).toEqual([0, 0])
  })

  it('is none to what is not a question', () => {
    const whole = question('web.default')
    for (let length = 0; length < whole.length; length += 1) {
      expect(answer(whole.subarray(0, length), resolve)).toBeUndefined()
    }
  })
})
