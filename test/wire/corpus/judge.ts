import { bodyOf, valueIn, type Message } from '../http-reader.ts'
import type { Path } from '../paths.ts'
import { bytes, cutAt, talk, type Heard } from '../talk.ts'
import { HOST } from '../../support/gateway-harness.ts'
import type { Expected, RequestCase } from './case.ts'

/** A sound request behind every message that is refused: never to be read. */
const CANARY = bytes(`GET /canary HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
const SENTINEL = bytes(`GET /sentinel HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`)

/**
 * Sends a message, cut at these offsets, and says what came of it that should not have, in words; nothing if all is
 * well.
 */
export async function judge(
  path: Path,
  example: RequestCase,
  cuts: readonly number[] = [],
): Promise<string[]> {
  path.replica.clear()
  const { outcome, before } = example
  const methods = [...Array.from({ length: before }, () => 'GET'), ...example.methods]
  const isKept = outcome.is === 'passed' || outcome.is === 'inert'
  const answers = outcome.is === 'passed' ? outcome.requests.length : 1
  const heard = await talk(
    path.port,
    cutAt(isKept ? example.message : Buffer.concat([example.message, CANARY]), cuts),
    isKept ? { methods, answers } : { methods },
  )
  const seen = await seenBehind(path)
  const problems = [...path.replica.wrong]
  if (heard.wrong !== undefined) problems.push(`the answer is no HTTP: ${heard.wrong}`)
  if (heard.end === 'hung') problems.push('neither answered nor closed')
  if (path.activator.held !== 0) problems.push(`${path.activator.held} permits are still held`)
  return [...problems, ...verdict(example, heard, seen)]
}

/** What the replica has read, once a later request has passed all that may still be on its way. */
async function seenBehind({ port, replica }: Path): Promise<Message[]> {
  await talk(port, [SENTINEL])
  return replica.requests.filter(({ start }) => start[1] !== '/sentinel')
}

function verdict({ outcome, before }: RequestCase, heard: Heard, seen: readonly Message[]): string[] {
  const statuses = heard.answers.map(({ start }) => start[1])
  const whole = seen.filter(({ isWhole }) => isWhole)
  switch (outcome.is) {
    case 'refused':
      return [
        ...unlessSame('requests at the replica', seen.length, before),
        ...unlessSame('answers', heard.answers.length, before + 1),
        ...notARefusal(heard, outcome.code),
      ]
    case 'cut':
      return [
        ...unlessSame('whole requests at the replica', whole.length, before),
        ...(heard.answers.length === before ? [] : notARefusal(heard, 'BAD_REQUEST', 'HEAD_TOO_LARGE')),
        ...(heard.answers.length > before + 1 ? [`answers: ${statuses.join()}`] : []),
      ]
    case 'passed':
      return [
        ...unlessSame('statuses', statuses.join(), outcome.requests.map(() => '200').join()),
        ...unlessSame('requests at the replica', whole.length, outcome.requests.length),
        ...outcome.requests.flatMap((expected, at) => differences(expected, seen[at])),
      ]
    case 'inert':
  }
  if (statuses[0] === '200')
    return [...unlessSame('requests', seen.length, 1), ...differences(outcome.request, seen[0])]
  return [
    ...unlessSame('whole requests at the replica', whole.length, 0),
    ...notARefusal(heard, 'BAD_REQUEST'),
  ]
}

const STATUS: Readonly<Record<string, string>> = {
  BAD_REQUEST: '400',
  HEAD_TOO_LARGE: '431',
  METHOD_REFUSED: '405',
  NO_ROUTE: '404',
}

function notARefusal(heard: Heard, ...codes: readonly string[]): string[] {
  const last = heard.answers.at(-1)
  if (last === undefined) return [`no answer, ${heard.end}`]
  const code = valueIn(last.fields, 'x-pilotlight-refusal') ?? 'none'
  return [
    ...(codes.includes(code) ? [] : [`refused with ${last.start[1]} ${code}, not ${codes.join(' or ')}`]),
    ...unlessSame('status', last.start[1], STATUS[code]),
    ...unlessSame('connection', valueIn(last.fields, 'connection')?.toLowerCase(), 'close'),
    ...(heard.end === 'hung' || heard.end === 'reset' ? [`the connection was ${heard.end}, not closed`] : []),
    ...(last.isWhole ? [] : ['the refusal is not whole']),
  ]
}

function differences(expected: Expected, seen: Message | undefined): string[] {
  if (seen === undefined) return ['the replica saw no such request']
  const { method, path, body, fields = {}, trailers = {} } = expected
  return [
    ...(method === undefined ? [] : unlessSame('method', seen.start[0], method)),
    ...(path === undefined ? [] : unlessSame('path', seen.start[1], path)),
    ...(body === undefined ? [] : unlessSame('body', bodyOf(seen), body)),
    ...Object.entries(fields).flatMap(([name, value]) => unlessSame(name, valueIn(seen.fields, name), value)),
    ...Object.entries(trailers).flatMap(([name, value]) =>
      unlessSame(`trailer ${name}`, valueIn(seen.trailers, name), value),
    ),
  ]
}

function unlessSame(
  what: string,
  got: string | number | undefined,
  wanted: string | number | undefined,
): string[] {
  return got === wanted ? [] : [`${what}: ${brief(got)}, not ${brief(wanted)}`]
}

function brief(value: string | number | undefined): string {
  const text = JSON.stringify(value) ?? 'none'
  return text.length > 200 ? `${text.slice(0, 200)}... (${text.length} characters)` : text
}
