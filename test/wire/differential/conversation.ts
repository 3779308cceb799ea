import type { Random } from '../../../src/core/random.ts'
import { pick } from '../fuzz/seeded.ts'
import { valueIn, type Message } from '../http-reader.ts'
import type { Path } from '../paths.ts'
import { OK } from '../recording-replica.ts'
import { cutAt, talk, type Heard, type Step } from '../talk.ts'
import { generateAnswer, type GeneratedAnswer } from './generated-answer.ts'
import { generateRequest, type GeneratedRequest } from './generated-request.ts'
import { normalAnswer, normalRequest, type Normal } from './normal.ts'

/** Requests on one connection, and what the replica says to each. */
export interface Conversation {
  readonly requests: readonly GeneratedRequest[]
  readonly answers: readonly GeneratedAnswer[]
  readonly steps: readonly Step[]
  readonly isClosed: boolean
}

/** What both sides of a path had of a conversation. */
export interface Record {
  readonly answers: readonly Normal[]
  readonly requests: readonly Normal[]
  readonly end: Heard['end']
  readonly wrong: readonly string[]
}

export function generateConversation(random: Random): Conversation {
  const count = 1 + random.below(4)
  const requests = Array.from({ length: count }, (_, at) =>
    generateRequest(random, String(at), { endHere: at === count - 1 }),
  )
  const isPipelined = count > 1 && random.below(3) === 0 && !requests.some((one) => one.expectsContinue)
  const answers = requests.map(({ method, version }, at) =>
    generateAnswer(random, { method, version, isPipelined, isFinal: at === count - 1 }),
  )
  const steps = isPipelined
    ? pieces(random, Buffer.concat(requests.flatMap(({ head, body }) => [head, body])))
    : requests.flatMap((request, at) => [...oneByOne(random, request), { answers: at + 1 }])
  return { requests, answers, steps, isClosed: requests.at(-1)?.isLast === true }
}

function oneByOne(random: Random, { head, body, expectsContinue }: GeneratedRequest): Step[] {
  if (!expectsContinue) return pieces(random, Buffer.concat([head, body]))
  return [...pieces(random, head), 'continue', ...pieces(random, body)]
}

/** Cut where it may hurt: in the head, at its end, and anywhere. */
function pieces(random: Random, message: Buffer): Buffer[] {
  const headEnd = message.indexOf('\r\n\r\n') + 4
  const cuts = Array.from({ length: random.below(4) }, () =>
    pick(random, [random.below(headEnd + 1), headEnd, headEnd - 2, random.below(message.length + 1)]),
  )
  return cutAt(
    message,
    cuts.sort((a, b) => a - b),
  )
}

/** Has the conversation over one path. */
export async function hold(path: Path, conversation: Conversation): Promise<Record> {
  const { replica, activator, port } = path
  const { requests, answers, steps, isClosed } = conversation
  replica.clear()
  replica.answer = (request) => answers[caseOf(request)] ?? OK
  const methods = requests.map(({ method }) => method)
  const heard = await talk(port, steps, isClosed ? { methods } : { methods, answers: requests.length })
  const wrong = [...replica.wrong]
  if (heard.wrong !== undefined) wrong.push(`the answer is no HTTP: ${heard.wrong}`)
  if (heard.answers.some((answer) => !answer.isWhole)) wrong.push('an answer is not whole')
  if (heard.end === 'hung') wrong.push('neither answered nor closed')
  // Whether a connection outlives an answer that came before its request was read is for each path to say.
  const isEarly = answers.some((answer) => answer.isEarly)
  if (heard.end !== 'left' && !isClosed && !(isEarly && heard.end === 'closed'))
    wrong.push(`the connection was ${heard.end}`)
  if (activator.held !== 0) wrong.push(`${activator.held} permits are still held`)
  return {
    answers: heard.answers.map((answer, at) => normalAnswer(answer, requests[at]?.method ?? 'GET')),
    // The simple path works at several pipelined requests at once, so they come in any order.
    requests: replica.requests
      .map((request) => ({ request, at: caseOf(request) }))
      .sort((a, b) => a.at - b.at)
      .map(({ request, at }) => normalRequest(request, answers[at]?.isEarly === true)),
    end: isEarly && heard.end === 'closed' ? 'left' : heard.end,
    wrong,
  }
}

function caseOf({ fields }: Message): number {
  return Number(valueIn(fields, 'x-case'))
}

/** A conversation for whoever reads that it went wrong. */
export function told({ requests, answers, steps }: Conversation): string[] {
  return [
    ...requests.map(({ head, body }, at) => `request ${at}, body of ${body.length}: ${brief(head)}`),
    ...answers.map(({ pieces: list, at, after }, index) => {
      const sizes = list.map((piece) => piece.length).join('+')
      return `answer ${index} (${at}, then ${after}, ${sizes} bytes): ${brief(Buffer.concat(list))}`
    }),
    `steps: ${steps.map((step) => (step instanceof Uint8Array ? step.length : JSON.stringify(step))).join(', ')}`,
  ]
}

function brief(message: Buffer): string {
  const text = message.toString('latin1', 0, 2_000)
  return JSON.stringify(text.slice(0, text.indexOf('\r\n\r\n')).replaceAll(/l{100,}/g, '(many l)'))
}
