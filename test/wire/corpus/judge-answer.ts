import { HOST } from '../../support/gateway-harness.ts'
import { bodyOf, valueIn, type Message } from '../http-reader.ts'
import type { Path } from '../paths.ts'
import { OK, type Answer } from '../recording-replica.ts'
import { bytes, cutAt, talk, type Heard } from '../talk.ts'
import type { AnswerCase } from './answers.ts'

/** Asks for the answer, which comes cut at these offsets, and says what came of it that should not have. */
export async function judgeAnswer(
  path: Path,
  example: AnswerCase,
  cuts: readonly number[] = [],
): Promise<string[]> {
  const { answer, outcome, method, version } = example
  const pieces = cutAt(Buffer.concat(answer.pieces), cuts)
  const { heard, problems } = await ask(path, { ...answer, pieces }, { method, version })
  const [first] = heard.answers
  switch (outcome.is) {
    case 'passed':
      if (first?.isWhole !== true) return [...problems, `no whole answer, ${heard.end}`]
      if (first.start[1] !== String(outcome.status) || bodyOf(first) !== outcome.body)
        problems.push(`answered ${first.start[1]} ${JSON.stringify(bodyOf(first))}`)
      for (const [name, value] of Object.entries(outcome.fields)) {
        const other = valueIn(first.fields, name)
        if (other !== value) problems.push(`${name}: ${other}, not ${value}`)
      }
      return problems
    case 'broken':
      if (first === undefined || first.start[1] !== '502')
        return isTakenForWhole(first, heard)
          ? [...problems, 'a client would take the answer for whole']
          : problems
      return [...problems, ...notRefused(first, ['UPSTREAM_INVALID', 'UPSTREAM_RESET'])]
    case 'refused':
  }
  return [...problems, ...notRefused(first, [outcome.code])]
}

/** One request with this answer, then two with sound ones, on another connection; and what is wrong whatever the answer. */
export async function ask(
  { port, replica, activator }: Path,
  answer: Answer,
  { method, version }: { readonly method: string; readonly version: '1.0' | '1.1' },
): Promise<{ heard: Heard; problems: string[] }> {
  replica.clear()
  replica.answer = ({ start }) => (start[1] === '/next' ? OK : answer)
  const request = bytes(`${method} /asked HTTP/${version}\r\nHost: ${HOST}\r\n\r\n`)
  const next = bytes(`GET /next HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
  const heard = await talk(port, [request], { methods: [method], answers: 1 })
  const after = await talk(port, [next, { answers: 1 }, next], { answers: 2 })
  const problems = [...replica.wrong]
  if (heard.wrong !== undefined) problems.push(`the answer is no HTTP: ${heard.wrong}`)
  if (heard.end === 'hung') problems.push('neither answered nor closed')
  if (activator.held !== 0) problems.push(`${activator.held} permits are still held`)
  const answers = after.answers.map((one) => `${one.start[1]} ${bodyOf(one)}`).join()
  if (answers !== '200 ok,200 ok') problems.push(`the next requests were answered ${answers}, ${after.end}`)
  const [first] = heard.answers
  if (first !== undefined) {
    const text = JSON.stringify([first.start, first.fields, first.trailers]) + bodyOf(first)
    if (/\bevil/i.test(text)) problems.push(`what should have been left out went on: ${text.slice(0, 500)}`)
  }
  return { heard, problems }
}

/** Where only the end of the connection tells, an orderly one does. */
function isTakenForWhole(answer: Message | undefined, { end }: Heard): boolean {
  return answer?.isWhole === true || (answer?.framing === 'close' && end === 'closed')
}

function notRefused(answer: Message | undefined, codes: readonly string[]): string[] {
  const code = answer === undefined ? undefined : valueIn(answer.fields, 'x-pilotlight-refusal')
  if (answer?.start[1] === '502' && code !== undefined && codes.includes(code)) return []
  return [`answered ${answer?.start[1]} ${code}, not 502 ${codes.join(' or ')}`]
}
