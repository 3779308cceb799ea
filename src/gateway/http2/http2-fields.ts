import type { Fields } from '../fields.ts'
import { knownField } from '../known-field.ts'
import { isIn, isTrailer } from '../pass-on.ts'
import { fieldProblem } from './session/index.ts'

/**
 * The fields of a flat list as a session gives it, which begins with the pseudo fields: `:method`, `GET`, ..., `accept`,
 * `*`. The list stays as it came: a view on it costs less than a copy, and 50,000 requests may be held.
 */
export class Http2Fields implements Fields {
  readonly #flat: readonly string[]
  /** Where the first name is. */
  readonly #from: number

  constructor(flat: readonly string[], from: number) {
    this.#flat = flat
    this.#from = from
  }

  get count(): number {
    return (this.#flat.length - this.#from) >> 1
  }

  name(at: number): string {
    return this.#flat[this.#from + at * 2]!
  }

  value(at: number): string {
    return this.#flat[this.#from + at * 2 + 1]!
  }

  kind(at: number): number {
    const name = this.name(at)
    return knownField(name, 0, name.length)
  }
}

/**
 * Appends to `to` what is passed on, names in lower case: the fields but those of the kinds in `dropped` and of the names in
 * `listed`.
 * @returns false when there is one that HTTP/2 cannot say: HTTP/1.1 allows more.
 */
export function appendFields(
  to: string[],
  fields: Fields,
  dropped: number,
  listed: ReadonlySet<string> | undefined,
): boolean {
  const { count } = fields
  for (let at = 0; at < count; at++) {
    if (isIn(dropped, fields.kind(at))) continue
    const name = fields.name(at).toLowerCase()
    if (listed !== undefined && listed.has(name)) continue
    if (!appendField(to, fields, name, fields.value(at))) return false
  }
  return true
}

/** Trailers that are passed on, as a flat list. What HTTP/2 cannot say is left out: the answer is whole without it. */
export function trailersOf(fields: Fields): readonly string[] {
  const { count } = fields
  if (count === 0) return NO_TRAILERS
  const flat: string[] = []
  for (let at = 0; at < count; at++) {
    if (!isTrailer(fields.name(at), fields.kind(at))) continue
    appendField(flat, fields, fields.name(at).toLowerCase(), fields.value(at))
  }
  return flat
}

const NO_TRAILERS: readonly string[] = []

/** What came over HTTP/2 was looked at as it came. */
function appendField(to: string[], fields: Fields, name: string, value: string): boolean {
  if (!(fields instanceof Http2Fields) && fieldProblem(name, value) !== undefined) return false
  to.push(name, value)
  return true
}
