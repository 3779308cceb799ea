import type { RequestHead, ReplyHead } from './exchange.ts'
import { joined } from './fields.ts'

/** Tokens that one answer says it took. */
export interface Usage {
  readonly prompt: number
  readonly generated: number
}

/** The end of an answer: `usage` is its last field, or in its last event but one. */
const TAIL_BYTES = 2_048
const TOKENS_MAX = 1e9

/** Paths that engines answer with `usage`: OpenAI's, and Anthropic's. */
const PATH = /\/(?:completions|embeddings|responses|messages|rerank|score)$/

/** Whether the answer to a request may say what it used. */
export function mayHaveUsage({ method, path }: Pick<RequestHead, 'method' | 'path'>): boolean {
  if (method !== 'POST') return false
  const query = path.indexOf('?')
  return PATH.test(query < 0 ? path : path.slice(0, query))
}

/** Keeps the end of an answer that passes through, and finds there what it used. */
export class UsageTail {
  readonly #tail = Buffer.alloc(TAIL_BYTES)
  #length = 0

  /** undefined: nothing can be found in such an answer. */
  static of({ status, fields }: Pick<ReplyHead, 'status' | 'fields'>): UsageTail | undefined {
    if (status !== 200) return undefined
    const encoding = joined(fields, 'content-encoding')
    if (encoding !== undefined && encoding !== 'identity') return undefined
    const type = joined(fields, 'content-type')?.trimStart().toLowerCase() ?? ''
    return type.startsWith('application/json') || type.startsWith('text/event-stream')
      ? new UsageTail()
      : undefined
  }

  write(chunk: Buffer): void {
    if (chunk.length >= TAIL_BYTES) {
      chunk.copy(this.#tail, 0, chunk.length - TAIL_BYTES)
      this.#length = TAIL_BYTES
      return
    }
    const kept = Math.min(this.#length, TAIL_BYTES - chunk.length)
    this.#tail.copyWithin(0, this.#length - kept, this.#length)
    chunk.copy(this.#tail, kept)
    this.#length = kept + chunk.length
  }

  /** What the answer said last; undefined: nothing, or no numbers. */
  usage(): Usage | undefined {
    const text = this.#tail.toString('latin1', 0, this.#length)
    for (
      let at = text.lastIndexOf('"usage"');
      at >= 0;
      at = at === 0 ? -1 : text.lastIndexOf('"usage"', at - 1)
    ) {
      const usage = usageIn(text, at + '"usage"'.length)
      if (usage !== undefined) return usage
    }
    return undefined
  }
}

/** The object behind a key, if it is one. */
function usageIn(text: string, from: number): Usage | undefined {
  const begin = /^\s*:\s*(?=\{)/.exec(text.slice(from, from + 16))
  if (begin === null) return undefined
  const start = from + begin[0].length
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    const character = text[at]
    if (character === '{') depth += 1
    else if (character === '}' && --depth === 0) return usageOf(text.slice(start, at + 1))
  }
  return undefined
}

function usageOf(json: string): Usage | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined
  }
  const prompt = tokensOf(value, ['prompt_tokens', 'input_tokens'])
  const generated = tokensOf(value, ['completion_tokens', 'output_tokens'])
  if (prompt === undefined && generated === undefined) return undefined
  return { prompt: prompt ?? 0, generated: generated ?? 0 }
}

function tokensOf(value: unknown, names: readonly string[]): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  for (const name of names) {
    const tokens: unknown = Reflect.get(value, name)
    if (typeof tokens === 'number' && Number.isSafeInteger(tokens) && tokens >= 0 && tokens <= TOKENS_MAX) {
      return tokens
    }
  }
  return undefined
}
