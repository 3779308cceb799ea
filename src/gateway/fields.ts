import { knownField } from './known-field.ts'

/** Header or trailer fields, in the order and the spelling in which they came. */
export interface Fields {
  readonly count: number
  name(at: number): string
  value(at: number): string
  /** One of FIELD: what the name is known as. */
  kind(at: number): number
}

/** Fields as a flat list of names and values: those of HTTP/2, and our own. */
export class ListFields implements Fields {
  readonly #flat: readonly string[]

  constructor(flat: readonly string[]) {
    this.#flat = flat
  }

  get count(): number {
    return this.#flat.length >> 1
  }

  name(at: number): string {
    return this.#flat[at * 2]!
  }

  value(at: number): string {
    return this.#flat[at * 2 + 1]!
  }

  kind(at: number): number {
    const name = this.name(at)
    return knownField(name, 0, name.length)
  }
}

export const NO_FIELDS: Fields = new ListFields([])

/** The first value of a known field; undefined if there is none. */
export function valueOf(fields: Fields, kind: number): string | undefined {
  for (let at = 0; at < fields.count; at++) if (fields.kind(at) === kind) return fields.value(at)
  return undefined
}

/** All values of a field by its lower-case name, joined as one list; undefined if there is none. */
export function joined(fields: Fields, lower: string): string | undefined {
  let all: string | undefined
  for (let at = 0; at < fields.count; at++) {
    const name = fields.name(at)
    if (name.length !== lower.length || name.toLowerCase() !== lower) continue
    all = all === undefined ? fields.value(at) : `${all}, ${fields.value(at)}`
  }
  return all
}

/** A flat list of names and values as HTTP/1.1 writes it: `name: value\r\n` of each. */
export function listText(flat: readonly string[]): string {
  let text = ''
  for (let at = 0; at + 1 < flat.length; at += 2) text += `${flat[at]}: ${flat[at + 1]}\r\n`
  return text
}
