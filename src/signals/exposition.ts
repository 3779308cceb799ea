import { metadataOf, type Family } from './exposition-metadata.ts'
import { isBlank, nameEnd, sampleOf, skipBlanks } from './exposition-sample.ts'
import type { ExpositionFormat, Sample } from './exposition-sample.ts'

/** What a scrape may hold at most. Beyond that all of it is refused: a part of the series gives wrong sums. */
export interface ExpositionBounds {
  readonly bytesMax: number
  readonly linesMax: number
  readonly lineBytesMax: number
  /** Of those that are wanted. */
  readonly samplesMax: number
}

export const defaultBounds: ExpositionBounds = {
  bytesMax: 16 * 1024 * 1024,
  linesMax: 200_000,
  lineBytesMax: 64 * 1024,
  samplesMax: 20_000,
}

export interface ExpositionOptions {
  readonly format?: ExpositionFormat
  /**
   * Names of samples (`x_bucket`, not `x`) that are wanted; without it all are. Lines of other names are passed
   * over and not checked.
   */
  readonly wanted?: ReadonlySet<string>
  /** HELP, TYPE and UNIT are read, too; by default they are not. */
  readonly metadata?: boolean
  /** `skip` (the default): a broken line is a problem in the result. `refuse`: it ends the reading. */
  readonly onBroken?: 'skip' | 'refuse'
  readonly bounds?: Partial<ExpositionBounds>
}

export interface ExpositionProblem {
  /** From 1. */
  readonly line: number
  readonly problem: string
}

export interface Exposition {
  readonly samples: readonly Sample[]
  /** In the order of their first line; empty unless metadata was asked for. */
  readonly families: readonly Family[]
  /** The first 10. */
  readonly problems: readonly ExpositionProblem[]
  /** All broken lines. */
  readonly broken: number
  readonly lines: number
  readonly bytes: number
}

/** A text that is refused as a whole: beyond a bound, or broken where that was not to be. */
export class ExpositionError extends Error {
  override readonly name = 'ExpositionError'
}

/** Whole lines are decoded, so it keeps nothing from one call to the next; to make one costs more than to read 10 KB. */
const utf8 = new TextDecoder()

const PROBLEMS_MAX = 10
const LF = 10
const HASH = 35
const OPEN = 123
/** No line begins with it. */
const NO_NAME = '\n'

/** The format that an answer's `content-type` names. */
export function formatOf(contentType: string | undefined): ExpositionFormat {
  return contentType?.trimStart().toLowerCase().startsWith('application/openmetrics-text')
    ? 'openmetrics'
    : 'prometheus'
}

/**
 * Prometheus' text format and OpenMetrics text, read as they arrive. Ours because a scrape is read for each replica
 * every few seconds: of 500 lines (50 KB) some 100 are wanted, and only those become objects, in about 0.1 ms of CPU.
 * The parsers on npm (parse-prometheus-text-format, exposition, prom2javascript) make objects of the whole text, and
 * document no exemplars, no bounds and no selection.
 *
 * Lines are checked one by one. As in Prometheus, families need not be together nor have a TYPE, the last line
 * need not end, and an unknown escape stays as it is.
 * Source: prometheus.io/docs/instrumenting/exposition_formats, OpenMetrics 1.0, and quoted names of Prometheus 3.
 */
export class ExpositionReader {
  readonly #format: ExpositionFormat
  readonly #wanted: ReadonlySet<string> | undefined
  readonly #metadata: boolean
  readonly #refuses: boolean
  readonly #bounds: ExpositionBounds
  readonly #samples: Sample[] = []
  readonly #families = new Map<string, Family>()
  readonly #problems: ExpositionProblem[] = []
  #broken = 0
  #lines = 0
  #bytes = 0
  #hasEnded = false
  /** The name of the last line that was wanted, for its neighbours, with and without the brace or blank behind it. */
  #taken = { prefix: NO_NAME, name: '' }
  /** What came behind the last line that is whole, in pieces. */
  #tail: Uint8Array[] = []
  #tailBytes = 0

  constructor(options: ExpositionOptions = {}) {
    this.#format = options.format ?? 'prometheus'
    this.#wanted = options.wanted
    this.#metadata = options.metadata ?? false
    this.#refuses = options.onBroken === 'refuse'
    this.#bounds = { ...defaultBounds, ...options.bounds }
  }

  /**
   * The next bytes, cut anywhere.
   * @throws ExpositionError beyond a bound, and at a broken line with `onBroken: 'refuse'`
   */
  write(chunk: Uint8Array): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#bounds.bytesMax) this.#beyond('bytesMax', `${this.#bytes} bytes`)
    let start = 0
    if (this.#tailBytes > 0) {
      start = chunk.indexOf(LF) + 1
      this.#keep(start === 0 ? chunk : chunk.subarray(0, start))
      if (start === 0) return
      this.#readTail()
    }
    const whole = Math.max(start, chunk.lastIndexOf(LF) + 1)
    if (whole > start) this.#read(utf8.decode(chunk.subarray(start, whole)))
    if (whole < chunk.length) this.#keep(chunk.subarray(whole))
  }

  /** @throws ExpositionError as `write` does */
  end(): Exposition {
    this.#readTail()
    return this.#result()
  }

  /** A whole text. */
  readAll(text: string): Exposition {
    this.#bytes = text.length
    if (this.#bytes > this.#bounds.bytesMax) this.#beyond('bytesMax', `${this.#bytes} characters`)
    this.#read(text)
    return this.#result()
  }

  #result(): Exposition {
    if (this.#format === 'openmetrics' && !this.#hasEnded) {
      this.#report('the text does not end with # EOF: it may be cut off')
    }
    return {
      samples: this.#samples,
      families: [...this.#families.values()],
      problems: this.#problems,
      broken: this.#broken,
      lines: this.#lines,
      bytes: this.#bytes,
    }
  }

  /** As a copy: the bytes may be a pool's, and are the writer's again. */
  #keep(bytes: Uint8Array): void {
    this.#tailBytes += bytes.length
    this.#checkLine(this.#tailBytes)
    this.#tail.push(Uint8Array.from(bytes))
  }

  #readTail(): void {
    const tail = Buffer.concat(this.#tail)
    this.#tail = []
    this.#tailBytes = 0
    this.#read(utf8.decode(tail))
  }

  /** Whole lines. */
  #read(text: string): void {
    const { length } = text
    let passedOver = NO_NAME
    let start = 0
    while (start < length) {
      const newline = text.indexOf('\n', start)
      const end = newline === -1 ? length : newline
      this.#lines += 1
      // Neighbours are mostly of one metric: what is not wanted is known by the name of the line before it.
      if (!text.startsWith(passedOver, start)) passedOver = this.#readLine(text, start, end) ?? passedOver
      start = end + 1
    }
    if (this.#lines > this.#bounds.linesMax) this.#beyond('linesMax', `${this.#lines} lines`)
  }

  /** Returns the name with the brace or blank behind it, if the line is passed over because nobody wants that name. */
  #readLine(text: string, from: number, end: number): string | undefined {
    this.#checkLine(end - from)
    const start = isBlank(text.charCodeAt(from)) ? skipBlanks(text, from, end) : from
    if (start >= end) return undefined
    if (text.charCodeAt(start) === HASH) {
      this.#readComment(text, start + 1, end)
      return undefined
    }
    if (text.startsWith(this.#taken.prefix, start)) {
      const { prefix, name } = this.#taken
      this.#take(text, { start: start + prefix.length - 1, end }, name)
      return undefined
    }
    const stop = nameEnd(text, start, end)
    const name = text.slice(start, stop)
    const next = stop < end ? text.charCodeAt(stop) : -1
    const isWhole = next === OPEN || isBlank(next) || next === -1
    const prefix = next === -1 || name === '' ? NO_NAME : text.slice(start, stop + 1)
    if (isWhole && name !== '' && this.#wanted?.has(name) === false) return prefix
    if (isWhole) {
      this.#taken = { prefix, name }
      this.#take(text, { start: stop, end }, name)
    } else {
      const found = name === '' ? 'a line begins' : `the name ${JSON.stringify(name)} goes on`
      this.#report(
        `${found} with ${JSON.stringify(text[stop])}; letters, digits, _ and : are allowed in a name`,
      )
    }
    return undefined
  }

  #take(text: string, rest: { readonly start: number; readonly end: number }, name: string): void {
    if (this.#hasEnded) {
      this.#report('a sample stands behind # EOF; nothing is allowed there')
      return
    }
    const sample = sampleOf(text, rest, name, this.#format)
    if (typeof sample === 'string') this.#report(sample)
    else if (
      this.#wanted?.has(sample.name) !== false &&
      this.#samples.push(sample) > this.#bounds.samplesMax
    ) {
      this.#beyond('samplesMax', `${this.#samples.length} samples that are wanted`)
    }
  }

  #readComment(text: string, start: number, end: number): void {
    // Three characters decide whether it is worth a look: ` EO` of # EOF.
    const mayEnd = this.#format === 'openmetrics' && text.charCodeAt(start + 1) === 69
    if (!this.#metadata && !mayEnd) return
    const said = metadataOf(text, start, end)
    if (said === undefined) return
    if (said === 'end') this.#hasEnded = this.#format === 'openmetrics'
    else if ('problem' in said) this.#report(said.problem)
    else this.#families.set(said.name, { ...this.#families.get(said.name), name: said.name, ...said.says })
  }

  #checkLine(bytes: number): void {
    if (bytes > this.#bounds.lineBytesMax) this.#beyond('lineBytesMax', `a line of ${bytes} bytes`)
  }

  #report(problem: string): void {
    if (this.#refuses) throw new ExpositionError(`line ${this.#lines}: ${problem}`)
    this.#broken += 1
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push({ line: this.#lines, problem })
  }

  #beyond(bound: keyof ExpositionBounds, found: string): never {
    throw new ExpositionError(`the metrics hold ${found}; ${this.#bounds[bound]} are allowed (${bound})`)
  }
}

/**
 * Reads a whole text at once.
 * @throws ExpositionError beyond a bound, and at a broken line with `onBroken: 'refuse'`
 */
export function readExposition(text: string, options: ExpositionOptions = {}): Exposition {
  return new ExpositionReader(options).readAll(text)
}
