import { excerpt, nameEnd, skipBlanks, unescaped } from './exposition-sample.ts'

const TYPES = [
  'counter',
  'gauge',
  'histogram',
  'summary',
  'untyped',
  'unknown',
  'info',
  'stateset',
  'gaugehistogram',
] as const

export type MetricType = (typeof TYPES)[number]

/** What is said of a metric, beside its samples. */
export interface Family {
  readonly name: string
  readonly type?: MetricType
  readonly help?: string
  readonly unit?: string
}

/** `end`: OpenMetrics' `# EOF`. undefined: a comment. */
export type Metadata = { readonly name: string; readonly says: Omit<Family, 'name'> } | 'end' | undefined

/**
 * Reads a line that begins with `#`.
 * @param start behind the `#`
 * @returns what it says, or in `problem` what is wrong with it.
 */
export function metadataOf(
  text: string,
  start: number,
  end: number,
): Metadata | { readonly problem: string } {
  const at = skipBlanks(text, start, end)
  const rest = text.slice(at, end)
  if (rest.trimEnd() === 'EOF') return 'end'
  const keyword = /^(HELP|TYPE|UNIT)[ \t]+/.exec(rest)
  if (keyword === null) return undefined
  const named = nameOf(text, at + keyword[0].length, end)
  if (named === undefined) return { problem: `# ${keyword[1]} has no metric name behind it` }
  const said = text.slice(skipBlanks(text, named.end, end), end)
  const { name } = named
  if (keyword[1] === 'HELP') return { name, says: { help: unescaped(said.replace(/\r$/, '')) } }
  if (keyword[1] === 'UNIT') return { name, says: { unit: said.trim() } }
  const type = TYPES.find((known) => known === said.trim().toLowerCase())
  if (type !== undefined) return { name, says: { type } }
  return { problem: `the type of ${name} is ${excerpt(said.trim())}; ${TYPES.join(', ')} are allowed` }
}

function nameOf(
  text: string,
  start: number,
  end: number,
): { readonly name: string; readonly end: number } | undefined {
  if (text[start] === '"') {
    const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(text.slice(start, end))
    if (quoted?.[1] === undefined) return undefined
    return { name: unescaped(quoted[1]), end: start + quoted[0].length }
  }
  const stop = nameEnd(text, start, end)
  return stop === start ? undefined : { name: text.slice(start, stop), end: stop }
}
