import type { Fields } from '../fields.ts'
import { knownField } from '../known-field.ts'
import { isIn } from '../pass-on.ts'

/**
 * The fields of a flat list as node:http2 gives it, which begins with the pseudo fields: `:method`, `GET`, ..., `accept`,
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

/** Appends to `to` what is passed on: the fields but those of the kinds in `dropped` and of the names in `listed`. */
export function appendFields(
  to: string[],
  fields: Fields,
  dropped: number,
  listed: ReadonlySet<string> | undefined,
): void {
  const { count } = fields
  for (let at = 0; at < count; at++) {
    if (isIn(dropped, fields.kind(at))) continue
    const name = fields.name(at).toLowerCase()
    if (listed === undefined || !listed.has(name)) to.push(name, fields.value(at))
  }
}

/** Trailers as node:http2 takes them; undefined if there is none to pass on. */
export function trailersOf(fields: Fields, dropped: number): Record<string, string | string[]> | undefined {
  let trailers: Record<string, string | string[]> | undefined
  for (let at = 0; at < fields.count; at++) {
    if (isIn(dropped, fields.kind(at))) continue
    const name = fields.name(at).toLowerCase()
    const value = fields.value(at)
    trailers ??= {}
    // A trailer may be called `constructor`.
    const before = Object.hasOwn(trailers, name) ? trailers[name] : undefined
    trailers[name] = before === undefined ? value : [before, value].flat()
  }
  return trailers
}
