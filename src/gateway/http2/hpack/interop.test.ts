import { once } from 'node:events'
import { connect, sensitiveHeaders, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { SeededRandom, type Random } from '../../../core/random.ts'
import { HpackDecoder, HpackEncoder } from './index.ts'

const HEADERS = 1
const SETTINGS = 4
const CONTINUATION = 9
const ACK = 1
const END_STREAM = 1
const END_HEADERS = 4
const HEADER_TABLE_SIZE = 1
const PREFACE_BYTES = 24

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** As much of a server as it takes to answer each head with its own fields. */
class EchoConnection {
  readonly #socket: Socket
  readonly #decoder: HpackDecoder
  readonly #encoder = new HpackEncoder()
  #unread = Buffer.alloc(0)
  #atFrames = false
  #block = Buffer.alloc(0)
  /** Bytes of all blocks after the first, which shows that the table is of use. */
  blockBytes = 0

  constructor(socket: Socket, tableBytesMax: number) {
    this.#socket = socket
    this.#decoder = new HpackDecoder(tableBytesMax)
    const setting = Buffer.alloc(6)
    setting.writeUInt16BE(HEADER_TABLE_SIZE, 0)
    setting.writeUInt32BE(tableBytesMax, 2)
    socket.write(frame(SETTINGS, 0, 0, setting))
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('error', () => socket.destroy())
  }

  #read(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes])
    if (!this.#atFrames) {
      if (this.#unread.length < PREFACE_BYTES) return
      this.#atFrames = true
      this.#unread = this.#unread.subarray(PREFACE_BYTES)
    }
    while (this.#unread.length >= 9) {
      const end = 9 + this.#unread.readUIntBE(0, 3)
      if (this.#unread.length < end) return
      this.#frame(
        this.#unread[3]!,
        this.#unread[4]!,
        this.#unread.readUInt32BE(5),
        this.#unread.subarray(9, end),
      )
      this.#unread = this.#unread.subarray(end)
    }
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === SETTINGS) {
      if ((flags & ACK) !== 0) {
        this.#decoder.acknowledged()
        return
      }
      for (let at = 0; at < payload.length; at += 6) {
        if (payload.readUInt16BE(at) === HEADER_TABLE_SIZE) {
          this.#encoder.setTableBytesMax(payload.readUInt32BE(at + 2))
        }
      }
      this.#socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)))
    }
    if (type !== HEADERS && type !== CONTINUATION) return
    this.#block = Buffer.concat([this.#block, payload])
    if ((flags & END_HEADERS) !== 0) this.#echo(stream)
  }

  #echo(stream: number): void {
    const fields: string[] = []
    this.#decoder.decode(this.#block, 0, this.#block.length, fields, 1_000_000)
    this.#block = Buffer.alloc(0)
    const path = fields[fields.indexOf(':path') + 1]!
    const answer = [':status', '200', 'x-path', path, ...withoutPseudo(fields)]
    const out = Buffer.alloc(100_000)
    const block = out.subarray(0, this.#encoder.encode(answer, out, 0))
    if (stream > 1) this.blockBytes += block.length
    // Two frames, so that the block is cut anywhere.
    const cut = stream % (block.length + 1)
    this.#socket.write(
      Buffer.concat([
        frame(HEADERS, END_STREAM, stream, block.subarray(0, cut)),
        frame(CONTINUATION, END_HEADERS, stream, block.subarray(cut)),
      ]),
    )
  }
}

function withoutPseudo(fields: readonly string[]): string[] {
  return fields.flatMap((name, at) => (at % 2 === 0 && !name.startsWith(':') ? [name, fields[at + 1]!] : []))
}

/** What node:http2 lets through: printable characters, and all from 0x80. */
function valueFrom(random: Random): string {
  const length = random.below(6) === 0 ? random.below(300) : 1 + random.below(20)
  const codes = Array.from({ length }, () =>
    random.below(3) === 0 ? 0x80 + random.below(128) : 0x21 + random.below(94),
  )
  return String.fromCharCode(...codes)
}

function nameFrom(random: Random): string {
  const characters = "abcdefghijklmnopqrstuvwxyz0123456789-_.!#$%&'*+^`|~"
  return `x-${Array.from({ length: 1 + random.below(30) }, () => characters[random.below(characters.length)]).join('')}`
}

describe('HPACK and node:http2', () => {
  const sessions: ClientHttp2Session[] = []
  const servers: Server[] = []
  const sockets: Socket[] = []

  afterEach(() => {
    for (const session of sessions.splice(0)) session.destroy()
    for (const socket of sockets.splice(0)) socket.destroy()
    for (const server of servers.splice(0)) server.close()
  })

  /** A session of node:http2 with a server of ours: each announces the size of table that it decodes with. */
  async function open(
    ofServer: number,
    ofClient: number,
  ): Promise<{ session: ClientHttp2Session; connection: () => EchoConnection }> {
    let connection: EchoConnection | undefined
    const server = createServer((socket) => {
      sockets.push(socket)
      connection = new EchoConnection(socket, ofServer)
    })
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the server has no port')
    const session = connect(`http://127.0.0.1:${address.port}`, {
      settings: { headerTableSize: ofClient, enablePush: false },
      maxDeflateDynamicTableSize: 65_536,
      maxHeaderListPairs: 1000,
    })
    sessions.push(session)
    await once(session, 'connect')
    return { session, connection: () => connection! }
  }

  /** The fields of the answer to a request, as they came. */
  async function echo(
    session: ClientHttp2Session,
    headers: OutgoingHttpHeaders | string[],
  ): Promise<unknown> {
    const stream = session.request(headers, { endStream: true })
    const answer: unknown[] = await once(stream, 'response')
    stream.resume()
    await once(stream, 'close')
    return answer[2]
  }

  it.each([
    { ofServer: 4096, ofClient: 4096 },
    { ofServer: 0, ofClient: 4096 },
    { ofServer: 4096, ofClient: 0 },
    { ofServer: 300, ofClient: 300 },
    { ofServer: 65_536, ofClient: 65_536 },
  ])('understand each other, tables of $ofServer and $ofClient bytes', async ({ ofServer, ofClient }) => {
    const random = new SeededRandom(ofServer + ofClient)
    const { session } = await open(ofServer, ofClient)
    const names = Array.from({ length: 30 }, () => nameFrom(random))
    const values = Array.from({ length: 30 }, () => valueFrom(random))
    for (let nth = 0; nth < 300; nth++) {
      const fields = Array.from({ length: random.below(15) }, () => [
        random.below(10) === 0 ? nameFrom(random) : names[random.below(30)]!,
        random.below(5) === 0 ? valueFrom(random) : values[random.below(30)]!,
      ]).flat()
      const path = `/${random.below(5)}`
      expect(await echo(session, [':path', path, ...fields]), `request ${nth}`).toEqual([
        ':status',
        '200',
        'x-path',
        path,
        ...fields,
      ])
    }
  })

  it('understand each other while the client changes the size of its table', async () => {
    const { session, connection } = await open(4096, 4096)
    const fields = ['x-one', 'some value', 'x-two', 'some other value', 'x-three', 'another']
    const expected = [':status', '200', 'x-path', '/', ...fields]
    for (const headerTableSize of [4096, 0, 100, 4096, 65_536, 120, 4096]) {
      const acknowledged = once(session, 'localSettings')
      session.settings({ headerTableSize })
      await acknowledged
      for (let nth = 0; nth < 3; nth++)
        expect(await echo(session, [':path', '/', ...fields])).toEqual(expected)
    }
    const before = connection().blockBytes
    await echo(session, [':path', '/', ...fields])
    expect(connection().blockBytes - before, 'all indexes again').toBe(expected.length / 2)
  })

  it('understand each other about secrets and long values', async () => {
    const { session } = await open(4096, 4096)
    const fields = { authorization: 'Bearer a', 'x-secret': 'b', 'x-long': 'long'.repeat(3000) }
    const answer = await echo(session, { ':path': '/', ...fields, [sensitiveHeaders]: ['x-secret'] })
    expect(answer).toEqual([':status', '200', 'x-path', '/', ...Object.entries(fields).flat()])
  })
})
