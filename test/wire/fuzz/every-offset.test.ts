import { describe, expect, it } from 'vitest'
import { Llhttp, LLHTTP_REQUEST, LLHTTP_RESPONSE } from '../../../src/gateway/http1/llhttp.ts'
import { MessageParser, type RawHead } from '../../../src/gateway/http1/message-parser.ts'
import { Http1RequestHead } from '../../../src/gateway/http1/request-head.ts'
import { Http1ResponseHead, isChunkedAnswer } from '../../../src/gateway/http1/response-head.ts'
import type { Fields } from '../../../src/gateway/fields.ts'
import { answerThemes } from '../corpus/responses.ts'
import { requestCases } from '../corpus/index.ts'
import { generateRequest } from '../differential/generated-request.ts'
import { cutAt } from '../talk.ts'
import { randomOf, runs, seed } from './seeded.ts'

/** What is read, without sockets: fast enough to cut every message at every byte. */

const BYTES_MAX = 1_500
const BOUNDS = { headBytesMax: 65_536, headersMax: 100 }
const llhttp = new Llhttp()

interface Example {
  readonly name: string
  readonly message: Buffer
  /** Of the request that an answer belongs to; undefined for requests. */
  readonly method?: string
}

/** The messages that came out of these pieces, and how it ended: as text, to be compared. */
function read({ method }: Example, pieces: readonly Buffer[]): string {
  const isChunked = (raw: RawHead): boolean =>
    method === undefined ? isChunkedRequest(raw.fields) : isChunkedAnswer(raw, method)
  const type = method === undefined ? LLHTTP_REQUEST : LLHTTP_RESPONSE
  const parser = new MessageParser(llhttp, type, BOUNDS, isChunked)
  const whole: unknown[] = []
  let body: Buffer[] = []
  let bytesLeft: number | undefined
  let head: Http1RequestHead | Http1ResponseHead | undefined
  const done = (): void => {
    whole.push([
      startOf(head),
      listOf(head?.fields),
      Buffer.concat(body).toString('latin1'),
      listOf(parser.trailers),
    ])
    body = []
    head = undefined
    bytesLeft = undefined
    parser.next()
  }
  try {
    for (const piece of pieces) {
      for (let rest = piece; rest.length > 0;) {
        if (bytesLeft !== undefined) {
          const taken = rest.subarray(0, bytesLeft)
          body.push(taken)
          bytesLeft -= taken.length
          rest = rest.subarray(taken.length)
        } else {
          rest = rest.subarray(parser.read(rest))
          body.push(...parser.body)
          if (head === undefined && parser.head !== undefined) {
            head =
              method === undefined
                ? new Http1RequestHead(parser.head)
                : new Http1ResponseHead(parser.head, method)
            if (!isChunked(parser.head)) bytesLeft = head.length ?? Infinity
          }
        }
        if (bytesLeft === 0 || (head !== undefined && bytesLeft === undefined && parser.isComplete)) done()
      }
    }
    whole.push(head === undefined ? 'between or in a head' : 'in a body')
  } catch (error) {
    whole.push(error instanceof Error ? error.name : error)
  } finally {
    parser.free()
  }
  return JSON.stringify(whole)
}

function startOf(head: Http1RequestHead | Http1ResponseHead | undefined): unknown {
  if (head === undefined) return undefined
  if (head instanceof Http1ResponseHead) return [head.status, head.reason, head.keepAlive, head.bodyEnd]
  return [
    head.method,
    head.path,
    head.host,
    head.version,
    head.keepAlive,
    head.isWebSocket,
    head.expectsContinue,
  ]
}

function listOf(fields: Fields | undefined): string[] {
  if (fields === undefined) return []
  return Array.from(
    { length: fields.count },
    (_, at) => `${fields.kind(at)} ${fields.name(at)}=${fields.value(at)}`,
  )
}

function isChunkedRequest(fields: Fields): boolean {
  for (let at = 0; at < fields.count; at++)
    if (fields.name(at).toLowerCase() === 'transfer-encoding')
      return fields.value(at).toLowerCase() === 'chunked'
  return false
}

/** Every one that reads differently somewhere, and where. */
function differing(
  examples: readonly Example[],
  pieces: (message: Buffer) => Iterable<readonly number[]>,
): string[] {
  const found: string[] = []
  for (const example of examples) {
    const { name, message } = example
    const whole = read(example, [message])
    for (const cuts of pieces(message)) {
      const cut = read(example, cutAt(message, cuts))
      if (cut === whole) continue
      found.push(`${name}, cut at ${cuts.join()}: ${cut.slice(0, 300)}, not ${whole.slice(0, 300)}`)
      break
    }
  }
  return found
}

const malformed: Example[] = requestCases.map(({ name, message }) => ({ name, message }))
const answers: Example[] = Object.values(answerThemes)
  .flat()
  .map(({ name, answer, method }) => ({
    name: `answer: ${name}`,
    message: Buffer.concat(answer.pieces),
    method,
  }))
const generated: Example[] = Array.from({ length: 60 }, (_, at) => {
  const { head, body } = generateRequest(randomOf(at), String(at), { endHere: at % 2 === 0 })
  return { name: `generated ${at}`, message: Buffer.concat([head, body]) }
})
const all = [...malformed, ...answers, ...generated].filter(({ message }) => message.length <= BYTES_MAX)

describe('the parser', () => {
  it('is tried with sound and unsound messages', () => {
    expect(all.length).toBeGreaterThan(600)
    expect(all.filter((example) => read(example, [example.message]).startsWith('[[')).length).toBeGreaterThan(
      200,
    )
  })

  it('reads every message the same, cut in two at every byte', { timeout: 120_000 }, () => {
    const found = differing(all, function* (message) {
      for (let at = 1; at < message.length; at++) yield [at]
    })
    expect(found, `PILOTLIGHT_FUZZ_SEED=${seed}`).toEqual([])
  })

  it('reads every message the same, byte by byte', { timeout: 120_000 }, () => {
    const found = differing(all, ({ length }) => [Array.from({ length }, (_, at) => at)])
    expect(found, `PILOTLIGHT_FUZZ_SEED=${seed}`).toEqual([])
  })

  it('reads every message the same, cut in many at random', { timeout: 600_000 }, () => {
    const random = randomOf(0)
    const perMessage = runs(10)
    const found = differing(all, function* ({ length }) {
      for (let left = perMessage; left > 0; left--)
        yield Array.from({ length: 2 + random.below(6) }, () => random.below(length)).sort((a, b) => a - b)
    })
    expect(found, `PILOTLIGHT_FUZZ_SEED=${seed}`).toEqual([])
  })
})
