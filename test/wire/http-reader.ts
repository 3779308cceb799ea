/**
 * A reader of HTTP/1.1 that takes nothing but the strictest form, written for these tests alone: it shares no code
 * and no parser with the gateway, so what both read the same way has one meaning.
 */

export type Pair = readonly [name: string, value: string]

export interface Message {
  /** Method, target, version of a request; version, status, reason of an answer. */
  readonly start: readonly [string, string, string]
  readonly fields: readonly Pair[]
  /** The statuses (1xx) that came before an answer. */
  readonly interim: readonly number[]
  readonly parts: Buffer[]
  trailers: readonly Pair[]
  framing: 'none' | 'length' | 'chunked' | 'close' | 'tunnel'
  isWhole: boolean
}

export class WireError extends Error {
  override readonly name = 'WireError'
}

type State = 'head' | 'fixed' | 'size' | 'data' | 'data-end' | 'trailers' | 'rest' | 'wrong'

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const TARGET = /^[\x21-\x7e]+$/
// oxlint-disable-next-line no-control-regex
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/
const BODILESS = new Set([204, 304])

export class HttpReader {
  readonly messages: Message[] = []
  /** Why what came is no HTTP; nothing is read after that. */
  wrong: string | undefined
  onHead: ((message: Message) => void) | undefined
  onWhole: ((message: Message) => void) | undefined
  onInterim: ((status: number) => void) | undefined
  readonly #methodOf: ((answer: number) => string) | undefined
  #rest: Buffer = Buffer.alloc(0)
  #state: State = 'head'
  #left = 0
  #interim: number[] = []

  /** @param methodOf for answers: the method of the request that the answer with this index belongs to. */
  constructor(methodOf?: (answer: number) => string) {
    this.#methodOf = methodOf
  }

  get wholeCount(): number {
    let count = 0
    for (const { isWhole } of this.messages) if (isWhole) count += 1
    return count
  }

  /** Between two messages, with nothing left over. */
  get isIdle(): boolean {
    return this.#state === 'head' && this.#rest.length === 0
  }

  push(chunk: Buffer): void {
    if (this.#state === 'wrong') return
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    try {
      while (this.#step());
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.wrong = error.message
      this.#state = 'wrong'
    }
  }

  /** The connection ended without an error: what only the end delimits is whole. */
  end(): void {
    const last = this.messages.at(-1)
    if (this.#state !== 'rest' || last === undefined) return
    last.isWhole = true
    this.#state = 'head'
    this.onWhole?.(last)
  }

  /** Whether a further step may be taken with what is at hand. */
  #step(): boolean {
    if (this.#rest.length === 0) return false
    switch (this.#state) {
      case 'head':
        return this.#head()
      case 'fixed':
        return this.#body('head')
      case 'data':
        return this.#body('data-end')
      case 'data-end':
        if (this.#rest.length < 2) return false
        if (this.#take(2).toString('latin1') !== '\r\n') throw new WireError('no CRLF after chunk data')
        this.#state = 'size'
        return true
      case 'size':
        return this.#size()
      case 'trailers':
        return this.#trailers()
      case 'rest':
        this.#current().parts.push(this.#take(this.#rest.length))
        break
      case 'wrong':
    }
    return false
  }

  #current(): Message {
    const message = this.messages.at(-1)
    if (message === undefined) throw new Error('no message has begun')
    return message
  }

  #take(length: number): Buffer {
    const taken = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return taken
  }

  #head(): boolean {
    const end = this.#rest.indexOf('\r\n\r\n')
    if (end < 0) return false
    const lines = this.#take(end + 4)
      .toString('latin1', 0, end)
      .split('\r\n')
    const start = this.#methodOf === undefined ? requestLine(lines[0]!) : statusLine(lines[0]!)
    const fields = lines.slice(1).map(field)
    if (this.#methodOf !== undefined && start[1].startsWith('1') && start[1] !== '101') {
      framingOf(fields)
      this.#interim.push(Number(start[1]))
      this.onInterim?.(Number(start[1]))
      return true
    }
    const message: Message = {
      start,
      fields,
      interim: this.#interim,
      parts: [],
      trailers: [],
      framing: 'none',
      isWhole: false,
    }
    this.#interim = []
    this.#frame(message)
    this.messages.push(message)
    this.onHead?.(message)
    if (message.framing === 'none' || (message.framing === 'length' && this.#left === 0)) this.#whole(message)
    return true
  }

  /** How the body ends. Source: RFC 9112, 6.3. */
  #frame(message: Message): void {
    const { isChunked, length } = framingOf(message.fields)
    const methodOf = this.#methodOf
    if (methodOf !== undefined) {
      const status = Number(message.start[1])
      if (status === 101) {
        message.framing = 'tunnel'
        this.#state = 'rest'
        return
      }
      if (status === 204 && (isChunked || length !== undefined))
        throw new WireError('204 with a length or transfer coding')
      if (BODILESS.has(status) || methodOf(this.messages.length) === 'HEAD') return
    }
    if (isChunked) {
      message.framing = 'chunked'
      this.#state = 'size'
    } else if (length !== undefined) {
      message.framing = 'length'
      this.#left = length
      if (length > 0) this.#state = 'fixed'
    } else if (methodOf !== undefined) {
      message.framing = 'close'
      this.#state = 'rest'
    }
  }

  #body(next: State): boolean {
    const taken = this.#take(Math.min(this.#left, this.#rest.length))
    this.#left -= taken.length
    const message = this.#current()
    message.parts.push(taken)
    if (this.#left > 0) return false
    this.#state = next
    if (next === 'head') this.#whole(message)
    return true
  }

  #size(): boolean {
    const line = this.#line()
    if (line === undefined) return false
    if (!/^[\da-f]{1,8}$/i.test(line)) throw new WireError(`chunk size ${JSON.stringify(line)}`)
    this.#left = Number.parseInt(line, 16)
    this.#state = this.#left === 0 ? 'trailers' : 'data'
    return true
  }

  #trailers(): boolean {
    const line = this.#line()
    if (line === undefined) return false
    const message = this.#current()
    if (line !== '') {
      message.trailers = [...message.trailers, field(line)]
      return true
    }
    this.#state = 'head'
    this.#whole(message)
    return true
  }

  #line(): string | undefined {
    const end = this.#rest.indexOf('\r\n')
    return end < 0 ? undefined : this.#take(end + 2).toString('latin1', 0, end)
  }

  #whole(message: Message): void {
    message.isWhole = true
    this.onWhole?.(message)
  }
}

export function bodyOf(message: Message): string {
  return Buffer.concat(message.parts).toString('latin1')
}

/** All values of a field or trailer, in order, as one list; undefined if there is none. */
export function valueIn(pairs: readonly Pair[], name: string): string | undefined {
  const values = pairs
    .filter(([other]) => other.toLowerCase() === name.toLowerCase())
    .map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}

function requestLine(line: string): [string, string, string] {
  const [method = '', target = '', version = '', ...more] = line.split(' ')
  if (more.length > 0 || !TOKEN.test(method) || !TARGET.test(target) || version !== 'HTTP/1.1')
    throw new WireError(`request line ${JSON.stringify(line.slice(0, 200))}`)
  return [method, target, version]
}

function statusLine(line: string): [string, string, string] {
  const parts = /^(HTTP\/1\.1) ([1-5]\d\d) ([\t\x20-\x7e\x80-\xff]*)$/.exec(line)
  if (parts === null) throw new WireError(`status line ${JSON.stringify(line.slice(0, 200))}`)
  return [parts[1]!, parts[2]!, parts[3]!]
}

function field(line: string): Pair {
  const colon = line.indexOf(':')
  const name = line.slice(0, colon)
  const value = line.slice(colon + 1).replaceAll(/^[\t ]+|[\t ]+$/g, '')
  if (colon < 1 || !TOKEN.test(name) || !VALUE.test(value))
    throw new WireError(`field ${JSON.stringify(line.slice(0, 200))}`)
  return [name, value]
}

function framingOf(fields: readonly Pair[]): { isChunked: boolean; length: number | undefined } {
  const lengths = fields.filter(([name]) => name.toLowerCase() === 'content-length')
  const codings = fields.filter(([name]) => name.toLowerCase() === 'transfer-encoding')
  if (lengths.length > 1) throw new WireError('more than one Content-Length')
  if (codings.length > 1) throw new WireError('more than one Transfer-Encoding')
  if (lengths.length > 0 && codings.length > 0) throw new WireError('Content-Length and Transfer-Encoding')
  const [, length] = lengths[0] ?? []
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new WireError(`Content-Length ${length}`)
  const [, coding] = codings[0] ?? []
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    throw new WireError(`Transfer-Encoding ${coding}`)
  return { isChunked: coding !== undefined, length: length === undefined ? undefined : Number(length) }
}
