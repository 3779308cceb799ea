import { createServer, connect, type Server, type Socket } from 'node:net'
import { must } from '../../../interop/command.ts'
import type { Backend, Directory, Frontend } from './directory.ts'

/**
 * Lets Services' addresses lead somewhere: each is an address of this network's loopback, where a listener hands every
 * connection to the next endpoint that is ready. One hop more than kube-proxy, but without anything of the kernel's.
 */
export class ServiceProxy {
  readonly #directory: Directory
  readonly #servers = new Map<string, Server>()
  readonly #addresses = new Set<string>()
  #updating = Promise.resolve()

  constructor(directory: Directory) {
    this.#directory = directory
  }

  /** Listens for the Services that there are now, and no longer for those that are gone. */
  update(): void {
    this.#updating = this.#updating
      .then(() => this.#update())
      .catch((error: unknown) => {
        console.log('a Service cannot be served:', error instanceof Error ? error.message : error)
      })
  }

  async #update(): Promise<void> {
    const wanted = new Map(
      this.#directory.frontends().map((frontend) => [keyOf(frontend), frontend] as const),
    )
    for (const [key, server] of this.#servers) {
      if (wanted.has(key)) continue
      server.close()
      this.#servers.delete(key)
    }
    for (const [key, frontend] of wanted) {
      if (this.#servers.has(key)) continue
      if (!this.#addresses.has(frontend.address)) {
        await must('ip', ['address', 'replace', `${frontend.address}/32`, 'dev', 'lo'])
        this.#addresses.add(frontend.address)
      }
      this.#servers.set(key, this.#listen(frontend))
    }
  }

  #listen(frontend: Frontend): Server {
    let next = 0
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const backends = this.#directory.backends(frontend)
      next += 1
      const order = backends.map((_, i) => backends[(next + i) % backends.length]!)
      handOver(client, order)
    })
    server.on('error', (error) => console.log(`${keyOf(frontend)}:`, error.message))
    return server.listen(frontend.port, frontend.address)
  }
}

function keyOf({ service, address, port, portName }: Frontend): string {
  return `${service} ${portName} at ${address}:${port}`
}

/** Connects to the first of them that takes the connection. None: it is refused, as with kube-proxy. */
function handOver(client: Socket, [backend, ...others]: readonly Backend[]): void {
  if (backend === undefined || client.destroyed) {
    client.resetAndDestroy()
    return
  }
  const upstream = connect({ host: backend.address, port: backend.port, allowHalfOpen: true, noDelay: true })
  const tryNext = (): void => handOver(client, others)
  const abandon = (): void => {
    upstream.destroy()
  }
  client.once('close', abandon)
  upstream.once('error', tryNext)
  upstream.once('connect', () => {
    upstream.off('error', tryNext)
    upstream.on('error', () => client.resetAndDestroy())
    client.on('error', () => upstream.resetAndDestroy())
    client.pipe(upstream)
    upstream.pipe(client)
  })
  client.on('error', abandon)
}
