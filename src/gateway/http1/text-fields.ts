import type { Fields } from '../fields.ts'
import { FIELD, knownField } from '../known-field.ts'
import { isIn } from '../pass-on.ts'

/** Numbers per field in `marks`: where its name starts and ends, where its value does, and what it is known as. */
export const STRIDE = 5

/**
 * The fields of an HTTP/1.1 head as they came: one string and the places in it, no object or string per field.
 *
 *     Host: a\r\nAccept:  b\r\n\r\n
 *     ^   ^ ^^   ^     ^  ^^
 */
export class TextFields implements Fields {
  /** The head, one character per byte. */
  readonly text: string
  readonly #marks: readonly number[]

  /**
   * @param marks per field: start and end of its name, start and end of its value, which may have white space around it,
   *   and a number that is overwritten. The array is this object's from now on.
   */
  constructor(text: string, marks: number[]) {
    this.text = text
    this.#marks = marks
    for (let at = 0; at < marks.length; at += STRIDE) {
      let start = marks[at + 2]!
      let end = marks[at + 3]!
      while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
      while (start < end && isBlank(text.charCodeAt(start))) start += 1
      marks[at + 2] = start
      marks[at + 3] = end
      marks[at + 4] = knownField(text, marks[at]!, marks[at + 1]!)
    }
  }

  get count(): number {
    return this.#marks.length / STRIDE
  }

  name(at: number): string {
    return this.text.slice(this.#marks[at * STRIDE], this.#marks[at * STRIDE + 1])
  }

  value(at: number): string {
    return this.text.slice(this.#marks[at * STRIDE + 2], this.#marks[at * STRIDE + 3])
  }

  kind(at: number): number {
    return this.#marks[at * STRIDE + 4]!
  }

  /**
   * The fields that are passed on, each as `name: value\r\n`. Neighbours that are written that way already, which is
   * nearly all, are taken as one piece.
   * @param dropped mask of the known fields to leave out.
   * @param listed lower-case names to leave out besides.
   */
  textWithout(dropped: number, listed: ReadonlySet<string> | undefined): string {
    const { text } = this
    const marks = this.#marks
    let kept = ''
    /** The piece that grows: from `start` to the end of the value before. */
    let start = -1
    let end = -1
    for (let at = 0; at < marks.length; at += STRIDE) {
      const nameStart = marks[at]!
      const nameEnd = marks[at + 1]!
      const valueStart = marks[at + 2]!
      const isDropped =
        isIn(dropped, marks[at + 4]!) ||
        (listed !== undefined && listed.has(text.slice(nameStart, nameEnd).toLowerCase()))
      const isPlain = valueStart === nameEnd + 2 && text.charCodeAt(nameEnd + 1) === SPACE
      if (start >= 0 && (isDropped || !isPlain || nameStart !== end + 2)) {
        kept += `${text.slice(start, end)}\r\n`
        start = -1
      }
      if (isDropped) continue
      const valueEnd = marks[at + 3]!
      if (isPlain) {
        if (start < 0) start = nameStart
        end = valueEnd
      } else {
        kept += `${text.slice(nameStart, nameEnd)}: ${text.slice(valueStart, valueEnd)}\r\n`
      }
    }
    return start < 0 ? kept : `${kept}${text.slice(start, end)}\r\n`
  }
}

const SPACE = 0x20

function isBlank(code: number): boolean {
  return code === SPACE || code === 0x09
}

/** Whether chunks follow; where there are several codings, whoever makes the head of it says that they are too many. */
export function saysChunked(fields: TextFields): boolean {
  for (let at = 0; at < fields.count; at++)
    if (fields.kind(at) === FIELD.transferEncoding) return fields.value(at).toLowerCase() === 'chunked'
  return false
}

/** Fields of any kind as text, less those dropped. Values of HTTP/2 hold no line ends: its parser refuses them. */
export function fieldsText(fields: Fields, dropped: number, listed: ReadonlySet<string> | undefined): string {
  if (fields instanceof TextFields) return fields.textWithout(dropped, listed)
  let text = ''
  for (let at = 0; at < fields.count; at++) {
    if (isIn(dropped, fields.kind(at))) continue
    const name = fields.name(at)
    if (listed?.has(name.toLowerCase()) !== true) text += `${name}: ${fields.value(at)}\r\n`
  }
  return text
}
