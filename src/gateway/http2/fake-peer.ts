import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** For tests: a peer that speaks HTTP/2 frame by frame, also wrongly, and sees each frame of the other side. PINGs it answers. */

export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Fields as HPACK literals without indexing; values of up to 16,510 bytes. */
export function literals(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    fields.map(([name, value]) => {
      const text = Buffer.from(value, 'latin1')
      const length =
        text.length < 127 ? [text.length] : [127, ((text.length - 127) & 127) | 128, (text.length - 127) >> 7]
      return Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from(length), text])
    }),
  )
}

export function headers(
  stream: number,
  fields: readonly (readonly [string, string])[],
  options: { readonly endStream?: boolean } = {},
): Buffer {
  const flags = FLAG.endHeaders | (options.endStream === true ? FLAG.endStream : 0)
  return frame(FRAME.headers, flags, stream, literals(fields))
}

/** The pseudo fields of a request and whatever more. */
export function request(
  method: string,
  more: readonly (readonly [string, string])[] = [],
): (readonly [string, string])[] {
  return [
    [':method', method],
    [':scheme', 'http'],
    [':authority', 'iris.test'],
    [':path', '/v1/models'],
    ...more,
  ]
}

export function reset(stream: number, code: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(code)
  return frame(FRAME.reset, 0, stream, payload)
}

/** Frames as they come in on a socket. */
export class FramePeer {
  readonly socket: Socket
  readonly frames: Frame[] = []
  answersPings = true
  #bytes = Buffer.alloc(0)
  #waiting: { readonly is: (seen: Frame) => boolean; readonly found: (seen: Frame | undefined) => void }[] =
    []

  /** @param skip bytes before the first frame: 24 on a server. */
  constructor(socket: Socket, skip = 0) {
    this.socket = socket
    let left = skip
    socket.on('error', () => undefined)
    socket.on('close', () => {
      for (const { found } of this.#waiting.splice(0)) found(undefined)
    })
    socket.on('data', (chunk: Buffer) => {
      const skipped = Math.min(left, chunk.length)
      left -= skipped
      this.#take(chunk.subarray(skipped))
    })
  }

  /** Connects, says the preface and its settings. */
  static async client(port: number, settings: Buffer = Buffer.alloc(0)): Promise<FramePeer> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const peer = new FramePeer(socket)
    socket.write(Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0, settings)]))
    return peer
  }

  write(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames))
  }

  /** The first frame that fits, of those that came and will come; undefined if the connection ends before. */
  async find(is: (seen: Frame) => boolean): Promise<Frame | undefined> {
    const seen = this.frames.find(is)
    if (seen !== undefined) return seen
    if (this.socket.destroyed) return undefined
    return new Promise((found) => this.#waiting.push({ is, found }))
  }

  /** The code of the RST_STREAM for a stream. */
  async resetCode(stream: number): Promise<number | undefined> {
    const seen = await this.find((one) => one.type === FRAME.reset && one.stream === stream)
    return seen?.payload.readUInt32BE(0)
  }

  /** Whether a frame of the stream that came so far ended it. */
  hasEnded(stream: number): boolean {
    return this.frames.some(
      ({ stream: of, type, flags }) =>
        of === stream && type <= FRAME.headers && (flags & FLAG.endStream) !== 0,
    )
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    while (this.#bytes.length >= 9) {
      const length = this.#bytes.readUIntBE(0, 3)
      if (this.#bytes.length < 9 + length) return
      const seen: Frame = {
        type: this.#bytes[3]!,
        flags: this.#bytes[4]!,
        stream: this.#bytes.readUInt32BE(5),
        payload: this.#bytes.subarray(9, 9 + length),
      }
      this.#bytes = this.#bytes.subarray(9 + length)
      this.frames.push(seen)
      if (this.answersPings && seen.type === FRAME.ping && (seen.flags & FLAG.ack) === 0)
        this.socket.write(frame(FRAME.ping, FLAG.ack, 0, seen.payload))
      const waiting = this.#waiting
      this.#waiting = []
      for (const one of waiting) {
        if (one.is(seen)) one.found(seen)
        else this.#waiting.push(one)
      }
    }
  }
}

/** A port on which each connection is taken by `onSocket`. */
export async function listen(
  onSocket: (socket: Socket) => void,
  options: { readonly allowHalfOpen?: boolean } = {},
): Promise<{ readonly port: number; readonly close: () => void }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ noDelay: true, ...options }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port }: AddressInfo = addressOf(server)
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { port, close }
}

function addressOf(server: Server): AddressInfo {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('the server has no port')
  return bound
}
