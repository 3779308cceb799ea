/**
 * Replicas that answer after a millisecond or two and know how many requests each had at once: what the gateway promised
 * never to cross. GET over HTTP/1.1, without bodies.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { z } from 'zod'
import { answerBenchmark, listenAnywhere, optionsOfScript } from '../child.ts'

const { replicas } = z.object({ replicas: z.int() }).parse(optionsOfScript())
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok'

class CountingReplica {
  readonly server: Server
  inFlight = 0
  most = 0
  answered = 0
  /** Those that came since the last answers, and those before: each waits for the second tick. */
  #young: Socket[] = []
  #old: Socket[] = []

  constructor() {
    this.server = createServer({ noDelay: true }, (socket) => {
      let unread = ''
      socket.on('data', (chunk: Buffer) => {
        unread += chunk.toString('latin1')
        const requests = unread.split('\r\n\r\n')
        unread = requests.pop() ?? ''
        for (const _ of requests) {
          this.inFlight += 1
          this.most = Math.max(this.most, this.inFlight)
          this.#young.push(socket)
        }
      })
      socket.on('error', () => socket.destroy())
    })
  }

  tick(): void {
    for (const socket of this.#old) {
      this.inFlight -= 1
      this.answered += 1
      socket.write(ANSWER, 'latin1')
    }
    this.#old = this.#young
    this.#young = []
  }
}

const all = Array.from({ length: replicas }, () => new CountingReplica())
const hello: Record<string, number> = {}
for (const [index, replica] of all.entries()) hello[`port${index}`] = await listenAnywhere(replica.server)
setInterval(() => {
  for (const replica of all) replica.tick()
}, 1)

/** Asked for anything, it says the most at once and the answers of each replica, and begins anew. */
answerBenchmark(hello, () => {
  const said: Record<string, number> = {}
  for (const [index, replica] of all.entries()) {
    said[`most${index}`] = replica.most
    said[`answered${index}`] = replica.answered
    replica.most = 0
    replica.answered = 0
  }
  return said
})
