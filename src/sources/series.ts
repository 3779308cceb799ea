import type { Measured } from '../core/measurements.ts'
import type { ScalingMetric } from '../core/revision.ts'
import type { Sample } from '../signals/index.ts'

type OverTime = NonNullable<Extract<ScalingMetric, { kind: 'series' }>['overTime']>

/** `name`, or `name{label="value",other!="value"}`. */
export interface Selector {
  readonly name: string
  readonly labels: readonly { readonly label: string; readonly value: string; readonly isEqual: boolean }[]
}

const NAME = /^\s*([a-zA-Z_:][\w:]*)\s*/
const LABEL = /^\s*([a-zA-Z_]\w*)\s*(=|!=)\s*"((?:[^"\\]|\\.)*)"\s*/

/** @returns the selector, or what is wrong with it and what is allowed. */
export function selectorOf(text: string): Selector | { readonly problem: string } {
  const problem = {
    problem: `${JSON.stringify(text)} is no selector; name and name{label="value",other!="value"} are allowed`,
  }
  const head = NAME.exec(text)
  const name = head?.[1]
  if (head === null || name === undefined) return problem
  let rest = text.slice(head[0].length)
  const labels: Selector['labels'][number][] = []
  if (rest.trim() === '') return { name, labels }
  if (!rest.startsWith('{')) return problem
  rest = rest.slice(1)
  while (!/^\s*\}/.test(rest)) {
    const found = LABEL.exec(rest)
    const [all, label, operator, value] = found ?? []
    if (all === undefined || label === undefined || value === undefined) return problem
    labels.push({ label, value: unescaped(value), isEqual: operator === '=' })
    rest = rest.slice(all.length)
    if (rest.startsWith(',')) rest = rest.slice(1)
    else if (!/^\s*\}/.test(rest)) return problem
  }
  return /^\s*\}\s*$/.test(rest) ? { name, labels } : problem
}

function unescaped(value: string): string {
  return value.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))
}

const WINDOW_MS = 60_000

interface Point {
  readonly atMs: number
  readonly value: number
}

/** What one replica said of one series in the last minute. */
export class SeriesHistory {
  readonly #selector: Selector
  readonly #overTime: OverTime
  #points: readonly Point[] = []
  #gap: Measured<number> = { absent: 'not scraped', detail: 'not scraped yet' }

  constructor(selector: Selector, overTime: OverTime = 'last_one') {
    this.#selector = selector
    this.#overTime = overTime
  }

  get name(): string {
    return this.#selector.name
  }

  /** Takes the samples of one scrape. */
  take(samples: readonly Sample[], atMs: number): void {
    const { name, labels } = this.#selector
    const found = samples.filter(
      (sample) =>
        sample.name === name &&
        labels.every(({ label, value, isEqual }) => ((sample.labels[label] ?? '') === value) === isEqual),
    )
    this.#points = this.#points.filter((point) => atMs - point.atMs < WINDOW_MS)
    const value = found.reduce((sum, sample) => sum + sample.value, 0)
    if (found.length === 0) this.#gap = { absent: 'not exported', detail: `${name} is not exported` }
    else if (!Number.isFinite(value)) this.#gap = { absent: 'not a number', detail: `${name} is ${value}` }
    else this.#points = [...this.#points, { atMs, value }]
  }

  measured(nowMs: number): Measured<number> {
    const points = this.#points.filter((point) => nowMs - point.atMs < WINDOW_MS)
    const last = points.at(-1)
    if (last === undefined) return this.#gap
    const value = summary(points, this.#overTime)
    if (value === undefined)
      return { absent: 'one scrape so far', detail: `${this.name}: a rate needs two scrapes` }
    return { value, atMs: last.atMs, from: this.name }
  }
}

function summary(points: readonly Point[], operation: OverTime): number | undefined {
  const values = points.map(({ value }) => value)
  switch (operation) {
    case 'avg':
      return values.reduce((sum, value) => sum + value, 0) / values.length
    case 'max':
      return Math.max(...values)
    case 'min':
      return Math.min(...values)
    case 'count':
      return values.length
    case 'rate':
      return rateOf(points)
    case 'last_one':
      return values.at(-1)
    default:
      return operation satisfies never
  }
}

/** Per second. A counter that went back began again at 0. */
function rateOf(points: readonly Point[]): number | undefined {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined || last.atMs <= first.atMs) return undefined
  let increase = 0
  for (const [index, { value }] of points.entries()) {
    const before = points[index - 1]?.value ?? value
    increase += value >= before ? value - before : value
  }
  return (1_000 * increase) / (last.atMs - first.atMs)
}
