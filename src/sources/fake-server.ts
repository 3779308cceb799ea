import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void

/** A server of this machine for tests; what it answers may be changed at any time. */
export class FakeServer implements AsyncDisposable {
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  /** Paths with their queries, in the order in which they were asked for. */
  readonly asked: string[] = []
  handler: Handler

  private constructor(handler: Handler) {
    this.handler = handler
  }

  static async start(handler: Handler): Promise<FakeServer> {
    const server = new FakeServer(handler)
    await server.listen(0)
    return server
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('it does not listen')
    return address.port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Cuts all connections and takes no more. */
  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.stop()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked.push(request.url ?? '')
    let body = ''
    for await (const chunk of request) body += String(chunk)
    this.handler(request, response, body)
  }
}

/** Lets sockets do their work until it is so. @throws Error when it does not come */
export async function eventually(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 5_000; turn += 1) {
    if (isSo()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('it did not come')
}
