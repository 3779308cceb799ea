import { Duplex } from 'node:stream'
import { EndOfTurn } from '../../end-of-turn.ts'
import { HpackDecoder, HpackEncoder } from '../hpack/index.ts'
import { FLAG, FRAME, PREFACE } from './frames.ts'
import type { SessionHooks, SessionOptions } from './options.ts'
import { Http2Session, type SessionSocket } from './session.ts'
import { SlabPool } from './slabs.ts'
import type { Http2Stream, StreamOwner } from './stream.ts'

/** For tests: one end of a connection, whose other end is the test. */
export class FakeSocket extends Duplex implements SessionSocket {
  readonly connecting = false
  readonly #sent: Buffer[] = []
  #isStuck = false
  #stuck: (() => void) | undefined
  writes = 0

  constructor() {
    super({ writableHighWaterMark: 65_536, emitClose: true })
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes += 1
    this.#take([chunk], done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.writes += 1
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  destroySoon(): void {
    if (!this.writableEnded) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  /** From here on nothing of what is written leaves. */
  stick(): void {
    this.#isStuck = true
  }

  unstick(): void {
    this.#isStuck = false
    const stuck = this.#stuck
    this.#stuck = undefined
    stuck?.()
  }

  /** All that left since the last call. */
  takeSent(): Frame[] {
    return framesOf(Buffer.concat(this.#sent.splice(0)))
  }

  takeSentBytes(): Buffer {
    return Buffer.concat(this.#sent.splice(0))
  }

  #take(chunks: readonly Buffer[], done: () => void): void {
    // What is sent from a slab must not change afterwards: kept as it is.
    this.#sent.push(...chunks)
    if (this.#isStuck) this.#stuck = done
    else done()
  }
}

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly payload: Buffer
}

export function frame(type: number, flags: number, id: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload)
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, body])
}

/** A payload of 32-bit numbers. */
export function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4)
  return bytes
}

export function setting(name: number, value: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(name)
  bytes.writeUInt32BE(value, 2)
  return bytes
}

export function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  let at = PREFACE.equals(bytes.subarray(0, PREFACE.length)) ? PREFACE.length : 0
  while (at < bytes.length) {
    const end = at + 9 + bytes.readUIntBE(at, 3)
    if (end > bytes.length) throw new Error('the last frame is cut')
    frames.push({
      type: bytes[at + 3]!,
      flags: bytes[at + 4]!,
      id: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, end),
    })
    at = end
  }
  return frames
}

export const REQUEST = [':method', 'POST', ':scheme', 'http', ':path', '/', ':authority', 'iris.test']
export const WHOLE = FLAG.endHeaders | FLAG.endStream

/** Frames of the other side; it has a table of its own, so one per connection. */
export class FakePeer {
  readonly #encoder = new HpackEncoder()
  readonly #decoder = new HpackDecoder(4_096)

  block(fields: readonly string[]): Buffer {
    const out = Buffer.alloc(200_000)
    return out.subarray(0, this.#encoder.encode(fields, out, 0))
  }

  headers(id: number, fields: readonly string[], flags: number): Buffer {
    return frame(FRAME.headers, flags, id, this.block(fields))
  }

  fieldsOf({ payload }: Frame): string[] {
    const fields: string[] = []
    this.#decoder.decode(payload, 0, payload.length, fields, 1_000_000)
    return fields
  }
}

/** What a stream's owner heard, as lines. */
export class Diary implements StreamOwner {
  readonly lines: string[] = []
  stream: Http2Stream | undefined
  /** What comes is consumed at once. */
  isReading = true

  onHeaders(fields: string[], endStream: boolean): void {
    this.lines.push(`head ${fields.join(' ')}${endStream ? ' end' : ''}`)
  }

  onData(chunk: Buffer, endStream: boolean): void {
    const before = this.lines.at(-1)
    // Where a read was cut does not matter.
    if (before?.startsWith('data ') === true && !before.endsWith(' end')) {
      this.lines[this.lines.length - 1] = `${before}${chunk.toString('latin1')}`
      if (endStream) this.lines[this.lines.length - 1] += ' end'
    } else {
      this.lines.push(`data ${chunk.toString('latin1')}${endStream ? ' end' : ''}`)
    }
    if (this.isReading) this.stream?.consumed(chunk.length)
  }

  onTrailers(fields: string[]): void {
    this.lines.push(`trailers ${fields.join(' ')}`)
  }

  onTurnEnd(): void {}

  onReset(code: number): void {
    this.lines.push(`reset ${code}`)
  }

  onWritable(): void {
    this.lines.push('writable')
  }
}

/** A server's session and the test in the place of its client. */
export class FakeClient extends FakePeer {
  readonly socket = new FakeSocket()
  readonly session: Http2Session
  readonly streams: Http2Stream[] = []
  readonly diaries: Diary[] = []
  /** What the connection did, as lines. */
  readonly lines: string[] = []
  /** Called with each request. */
  handle: ((stream: Http2Stream) => void) | undefined
  nowMs = 0

  constructor(options: Partial<SessionOptions> = {}) {
    super()
    this.session = new Http2Session(this.socket, {
      role: 'server',
      slabs: new SlabPool(),
      endOfTurn: new EndOfTurn(),
      nowMs: () => this.nowMs,
      hooks: this.#hooks(),
      ...options,
    })
  }

  /** Past the preface and SETTINGS both ways; `settings` are the client's. */
  async greet(...settings: readonly Buffer[]): Promise<void> {
    await this.say(
      PREFACE,
      frame(FRAME.settings, 0, 0, Buffer.concat(settings)),
      frame(FRAME.settings, FLAG.ack, 0),
    )
    this.socket.takeSent()
  }

  /** Lets bytes arrive in one read, and what they cause leave. */
  async say(...bytes: readonly Buffer[]): Promise<void> {
    this.socket.push(Buffer.concat(bytes))
    await turn()
  }

  #hooks(): SessionHooks {
    return {
      onStream: (stream, fields, endStream) => {
        const diary = new Diary()
        diary.stream = stream
        diary.lines.push(`request ${fields.join(' ')}${endStream ? ' end' : ''}`)
        stream.owner = diary
        this.streams.push(stream)
        this.diaries.push(diary)
        this.handle?.(stream)
      },
      onIdle: () => this.lines.push('idle'),
      onGoaway: (code) => this.lines.push(`goaway ${code}`),
      onError: ({ scope, code }) => this.lines.push(`${scope} error ${code}`),
      onEnding: () => this.lines.push('ending'),
      onClose: () => this.lines.push('close'),
    }
  }
}

/** All that was due in this turn of the event loop, and what it wrote, has happened. */
export async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))
}
