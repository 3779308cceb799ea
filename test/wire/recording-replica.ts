import { createServer, type Socket } from 'node:net'
import { listening } from '../support/gateway-harness.ts'
import type { Address } from '../../src/core/replica.ts'
import { HttpReader, valueIn, type Message } from './http-reader.ts'
import { turn } from './turns.ts'

/** What a replica says, byte for byte. */
export interface Answer {
  /** Written one by one, with a turn of the event loop between. */
  readonly pieces: readonly Buffer[]
  /** When it begins; default `whole`: after the last byte of the request. */
  readonly at?: 'head' | 'whole'
  /** What becomes of the connection after it; default `keep`. */
  readonly after?: 'keep' | 'end' | 'reset'
}

export const OK: Answer = { pieces: [Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')] }

/** A replica of bare sockets: keeps every request it can read and everything it cannot, and answers as it is told. */
export class RecordingReplica {
  readonly address: Address
  /** Requests whose head has come, in order. */
  requests: Message[] = []
  /** What no strict server would have taken from a proxy. */
  wrong: string[] = []
  answer: (request: Message) => Answer = () => OK
  readonly #end: () => Promise<void>
  readonly #sockets = new Set<Socket>()

  private constructor(address: Address, end: () => Promise<void>) {
    this.address = address
    this.#end = end
  }

  static async start(): Promise<RecordingReplica> {
    const server = createServer({ noDelay: true }, (socket) => replica.#serve(socket))
    const address = await listening(server)
    const replica: RecordingReplica = new RecordingReplica(address, async () => {
      for (const socket of replica.#sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    })
    return replica
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** Forgets what was seen. */
  clear(): void {
    this.requests = []
    this.wrong = []
  }

  close(): Promise<void> {
    return this.#end()
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    const reader = new HttpReader()
    let answering = 0
    const reply = async (request: Message, at: 'head' | 'whole'): Promise<void> => {
      const answer = this.answer(request)
      if ((answer.at ?? 'whole') !== at) return
      answering += 1
      if (answering > 1) this.wrong.push('a request came before the answer to the one before it was written')
      await write(socket, answer)
      answering -= 1
    }
    reader.onHead = (request) => {
      this.requests.push(request)
      // What a proxy says itself: a request that lacks it got past the proxy's eyes.
      for (const name of ['x-request-id', 'x-forwarded-for', 'kserve-isvc-name'])
        if (valueIn(request.fields, name) === undefined)
          this.wrong.push(`no ${name} in ${request.start.join(' ')}`)
      void reply(request, 'head')
    }
    reader.onWhole = (request) => void reply(request, 'whole')
    socket.on('data', (chunk: Buffer) => {
      // What comes once it has closed crossed the end on its way, and is sent again.
      if (socket.writableEnded) return
      const before = reader.wrong
      reader.push(chunk)
      if (reader.wrong !== before) this.wrong.push(reader.wrong ?? '')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => this.#sockets.delete(socket))
  }
}

async function write(socket: Socket, answer: Answer): Promise<void> {
  for (const [at, piece] of answer.pieces.entries()) {
    if (at > 0) await turn()
    if (socket.destroyed) return
    socket.write(piece)
  }
  if (answer.after === 'end') socket.end()
  if (answer.after === 'reset') {
    await turn()
    socket.resetAndDestroy()
  }
}
