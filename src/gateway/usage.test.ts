import { describe, expect, it } from 'vitest'
import { ListFields } from './fields.ts'
import { mayHaveUsage, UsageTail } from './usage.ts'

function tail(...fields: readonly string[]): UsageTail | undefined {
  return UsageTail.of({ status: 200, fields: new ListFields(fields) })
}

/** What an answer says, however it is cut into pieces. */
function usageIn(text: string, pieceBytes: number) {
  const found = tail('Content-Type', 'application/json')
  const body = Buffer.from(text)
  for (let at = 0; at < body.length; at += pieceBytes) found?.write(body.subarray(at, at + pieceBytes))
  return found?.usage()
}

const COMPLETION =
  '{"id":"a","choices":[{"text":"the \\"usage\\": {\\"prompt_tokens\\": 9} of it"}],"usage":{"prompt_tokens":7,"total_tokens":19,' +
  '"completion_tokens":12,"prompt_tokens_details":{"cached_tokens":0}}}'
const STREAM =
  'data: {"choices":[{"delta":{"content":"a"}}],"usage":null}\n\n' +
  'data: {"choices":[],"usage": {"prompt_tokens": 3, "completion_tokens": 5}}\n\ndata: [DONE]\n\n'

describe('what an answer says it used', () => {
  it.each([1, 7, 100, 2_047, 2_048, 100_000])('is found in pieces of %i bytes', (pieceBytes) => {
    expect(usageIn(COMPLETION, pieceBytes)).toEqual({ prompt: 7, generated: 12 })
    expect(usageIn(STREAM, pieceBytes)).toEqual({ prompt: 3, generated: 5 })
    const long = `{"data":"${'x'.repeat(50_000)}",${COMPLETION.slice(1)}`
    expect(usageIn(long, pieceBytes)).toEqual({ prompt: 7, generated: 12 })
  })

  it('is of the last event that says it, also in other words', () => {
    const usage = (output: number): string =>
      `data: {"type":"message_delta","usage":{"output_tokens":${output}}}\n\n`
    expect(usageIn(usage(1) + usage(2), 10)).toEqual({ prompt: 0, generated: 2 })
    expect(usageIn('{"usage":{"input_tokens":4,"output_tokens":6}}', 10)).toEqual({ prompt: 4, generated: 6 })
  })

  it.each([
    ['nothing', '{"predictions":[1]}'],
    ['null', '{"usage":null}'],
    ['no object', '{"usage":7}'],
    ['no numbers', '{"usage":{"prompt_tokens":"7"}}'],
    ['a negative number', '{"usage":{"prompt_tokens":-1}}'],
    ['a fraction', '{"usage":{"completion_tokens":1.5}}'],
    ['more than there can be', '{"usage":{"completion_tokens":1e300}}'],
    ['half of an object', '{"usage":{"prompt_tokens":7'],
    ['no JSON', '{"usage":{prompt_tokens:7}}'],
  ])('is nothing where it says %s', (_what, text) => {
    expect(usageIn(text, 5)).toBeUndefined()
  })

  it('is looked for in plain JSON and event streams that went well', () => {
    expect(tail('content-type', 'application/json; charset=utf-8')).toBeDefined()
    expect(tail('content-type', 'Text/Event-Stream', 'content-encoding', 'identity')).toBeDefined()
    expect(tail('content-type', 'application/json', 'content-encoding', 'gzip')).toBeUndefined()
    expect(tail('content-type', 'text/html')).toBeUndefined()
    expect(tail()).toBeUndefined()
    const fields = new ListFields(['content-type', 'application/json'])
    expect(UsageTail.of({ status: 500, fields })).toBeUndefined()
  })

  it.each([
    ['POST', '/v1/chat/completions', true],
    ['POST', '/openai/v1/completions?x=/y', true],
    ['POST', '/v1/responses', true],
    ['GET', '/v1/completions', false],
    ['POST', '/v1/models/completions:predict', false],
    ['POST', '/v1/completions/', false],
    ['POST', '/?/completions', false],
  ])('is looked for in answers to %s %s: %s', (method, path, isLookedFor) => {
    expect(mayHaveUsage({ method, path })).toBe(isLookedFor)
  })
})
