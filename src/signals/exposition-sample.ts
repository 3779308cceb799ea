/** A sample's labels; of a name that is in a line twice the line is broken. */
export type Labels = Readonly<Record<string, string>>

/** OpenMetrics' example of what was counted, mostly with the id of a trace. */
export interface Exemplar {
  readonly labels: Labels
  readonly value: number
  readonly timestampMs?: number
}

/** One line's number. NaN and infinities stay what they are. */
export interface Sample {
  readonly name: string
  readonly labels: Labels
  readonly value: number
  /** When it was measured, epoch ms, where the line says so. */
  readonly timestampMs?: number
  readonly exemplar?: Exemplar
}

/** `prometheus`: timestamps are whole ms. `openmetrics`: seconds with decimals, and the text ends with `# EOF`. */
export type ExpositionFormat = 'prometheus' | 'openmetrics'

const NONE: Labels = Object.freeze({})

const QUOTE = 34
const HASH = 35
const COMMA = 44
const EQUALS = 61
const BACKSLASH = 92
const OPEN = 123
const CLOSE = 125

/** Marks the ASCII characters of which names are made. */
function marked(characters: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (characters.test(String.fromCharCode(code)) ? 1 : 0))
}

const NAME = marked(/[a-zA-Z0-9_:]/)
const NUMBER = marked(/[0-9eE.+-]/)

/** Where the name that begins at `start` ends; `start` itself where none begins. */
export function nameEnd(text: string, start: number, end: number): number {
  const first = text.charCodeAt(start)
  if (first >= 48 && first <= 57) return start
  let at = start
  while (at < end && NAME[text.charCodeAt(at)] === 1) at += 1
  return at
}

export function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 13
}

export function skipBlanks(text: string, start: number, end: number): number {
  let at = start
  while (at < end && isBlank(text.charCodeAt(at))) at += 1
  return at
}

function tokenEnd(text: string, start: number, end: number): number {
  let at = start
  while (at < end && !isBlank(text.charCodeAt(at))) at += 1
  return at
}

/** A piece of a line for a message, at most 40 characters. */
export function excerpt(piece: string): string {
  return JSON.stringify(piece.length > 40 ? `${piece.slice(0, 40)}...` : piece)
}

/** undefined: not a number as Go's ParseFloat takes it in decimal. */
export function numberOf(token: string): number | undefined {
  for (let at = 0; at < token.length; at += 1) {
    if (NUMBER[token.charCodeAt(at)] !== 1) return wordOf(token)
  }
  const value = token === '' ? Number.NaN : Number(token)
  return Number.isNaN(value) ? undefined : value
}

function wordOf(token: string): number | undefined {
  const word = /^([+-]?)(nan|inf(?:inity)?)$/i.exec(token)
  if (word === null) return undefined
  if (word[2]?.toLowerCase() === 'nan') return Number.NaN
  return word[1] === '-' ? -Infinity : Infinity
}

/** A timestamp's epoch ms. */
function timeOf(token: string, format: ExpositionFormat): number | undefined {
  if (format === 'prometheus') return /^-?\d{1,16}$/.test(token) ? Number(token) : undefined
  const seconds = numberOf(token)
  return seconds !== undefined && Number.isFinite(seconds) ? Math.round(seconds * 1000) : undefined
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' }

/** What stands behind a backslash without being an escape is left as it is, with its backslash. */
export function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, (both, character: string) => ESCAPES[character] ?? both)
}

/** What a line is read from and to; `at` moves on. A problem is a sentence that says what is allowed. */
class Line {
  readonly text: string
  readonly end: number
  readonly format: ExpositionFormat
  at: number

  constructor(text: string, start: number, end: number, format: ExpositionFormat) {
    this.text = text
    this.at = start
    this.end = end
    this.format = format
  }

  /** The next character's code; -1 at the end. */
  peek(): number {
    return this.at < this.end ? this.text.charCodeAt(this.at) : -1
  }

  blanks(): void {
    this.at = skipBlanks(this.text, this.at, this.end)
  }

  token(): string {
    const start = this.at
    this.at = tokenEnd(this.text, start, this.end)
    return this.text.slice(start, this.at)
  }

  /** A quoted string, from its opening quote on; undefined where it is not closed. */
  quoted(): string | undefined {
    const { text, end } = this
    const start = this.at + 1
    let isEscaped = false
    let at = start
    while (at < end && text.charCodeAt(at) !== QUOTE) {
      if (text.charCodeAt(at) === BACKSLASH) {
        isEscaped = true
        at += 1
      }
      at += 1
    }
    if (at >= end) return undefined
    this.at = at + 1
    const piece = text.slice(start, at)
    return isEscaped ? unescaped(piece) : piece
  }
}

interface Braces {
  /** The metric's name, where it stands in the braces: `{"my.metric", job="a"}`. */
  readonly name?: string
  readonly labels: Labels
}

/** From `{` to behind `}`. */
function braces(line: Line, mayName: boolean): Braces | string {
  const labels: Record<string, string> = {}
  let name: string | undefined
  line.at += 1
  for (;;) {
    line.blanks()
    if (line.peek() === CLOSE) break
    const label = labelName(line)
    if (typeof label === 'object') return label.problem
    line.blanks()
    if (line.peek() === EQUALS) {
      line.at += 1
      line.blanks()
      if (line.peek() !== QUOTE) return `the value of label ${excerpt(label)} is not in double quotes`
      const value = line.quoted()
      if (value === undefined) return `the value of label ${excerpt(label)} is not closed by a double quote`
      if (Object.hasOwn(labels, label)) return `label ${excerpt(label)} is there twice; once is allowed`
      if (label === '__proto__') Object.defineProperty(labels, label, { value, enumerable: true })
      else labels[label] = value
    } else if (mayName && name === undefined) name = label
    else return `label ${excerpt(label)} has no value; name="value" is allowed`
    line.blanks()
    if (line.peek() === COMMA) line.at += 1
    else if (line.peek() !== CLOSE) return 'the labels are not closed by }'
  }
  line.at += 1
  return name === undefined ? { labels } : { name, labels }
}

function labelName(line: Line): string | { readonly problem: string } {
  if (line.peek() === QUOTE)
    return line.quoted() ?? { problem: 'a quoted name is not closed by a double quote' }
  const end = nameEnd(line.text, line.at, line.end)
  if (end === line.at) {
    const found = line.at >= line.end ? 'the end of the line' : excerpt(line.text.slice(line.at, line.end))
    return { problem: `a label's name begins with ${found}; letters, digits and _ are allowed, and }` }
  }
  const label = line.text.slice(line.at, end)
  line.at = end
  return label
}

/** A number and, behind it, a timestamp if there is one. */
function valueAndTime(
  line: Line,
  what: string,
): { readonly value: number; readonly timestampMs?: number } | string {
  line.blanks()
  const token = line.token()
  const value = numberOf(token)
  if (value === undefined) {
    return `the ${what} is ${excerpt(token)}; a decimal number, NaN, +Inf or -Inf is allowed`
  }
  line.blanks()
  if (line.peek() === -1 || line.peek() === HASH) return { value }
  const time = line.token()
  const timestampMs = timeOf(time, line.format)
  if (timestampMs === undefined) {
    const allowed = line.format === 'prometheus' ? 'whole milliseconds' : 'seconds'
    return `the timestamp of the ${what} is ${excerpt(time)}; ${allowed} since 1970 are allowed`
  }
  line.blanks()
  return { value, timestampMs }
}

function exemplarOf(line: Line): Exemplar | string {
  line.at += 1
  line.blanks()
  if (line.peek() !== OPEN) return 'an exemplar has no labels; # {name="value"} number is allowed'
  const inside = braces(line, false)
  if (typeof inside === 'string') return inside
  const read = valueAndTime(line, 'exemplar')
  return typeof read === 'string' ? read : { labels: inside.labels, ...read }
}

/**
 * Reads the rest of a sample's line, from `start` (behind the name, or at `{` where the name is inside) to `end`.
 * @returns the sample, or what is wrong with the line and what is allowed.
 */
export function sampleOf(
  text: string,
  range: { readonly start: number; readonly end: number },
  name: string,
  format: ExpositionFormat,
): Sample | string {
  const line = new Line(text, range.start, range.end, format)
  line.blanks()
  let labels = NONE
  let named = name
  if (line.peek() === OPEN) {
    const inside = braces(line, name === '')
    if (typeof inside === 'string') return inside
    labels = inside.labels
    named = inside.name ?? name
  }
  if (named === '') return 'the metric has no name; name{label="value"} number is allowed'
  const read = valueAndTime(line, 'value')
  if (typeof read === 'string') return read
  const exemplar = line.peek() === HASH ? exemplarOf(line) : undefined
  if (typeof exemplar === 'string') return exemplar
  if (line.at < line.end) {
    return `${excerpt(text.slice(line.at, line.end))} stands behind the sample; a timestamp and an exemplar are allowed`
  }
  const sample = { name: named, labels, ...read }
  return exemplar === undefined ? sample : { ...sample, exemplar }
}
