import { connect, type Socket } from 'node:net'
import { percentile } from './figures.ts'
import type { Load } from './load.ts'

export const EVENTS_PER_STREAM = 1_000

/** The payload of a chunked answer, piece by piece; several answers on one connection follow each other. */
class Dechunker {
  #unread = ''
  #leftInChunk = 0
  #state: 'head' | 'size' | 'data' | 'end' = 'head'

  /** @returns the payload in `text`, and how many answers ended in it. */
  read(text: string): { payload: string; ended: number } {
    let unread = this.#unread + text
    let payload = ''
    let ended = 0
    for (;;) {
      if (this.#state === 'data') {
        const piece = unread.slice(0, this.#leftInChunk)
        payload += piece
        this.#leftInChunk -= piece.length
        unread = unread.slice(piece.length)
        if (this.#leftInChunk > 0) break
        this.#state = 'end'
      }
      const line = this.#state === 'head' ? '\r\n\r\n' : '\r\n'
      const at = unread.indexOf(line)
      if (at === -1) break
      const found = unread.slice(0, at)
      unread = unread.slice(at + line.length)
      switch (this.#state) {
        case 'head':
          if (!/^HTTP\/1\.1 200 [^]*\r\ntransfer-encoding: *chunked/i.test(found))
            throw new Error(`not the answer that was asked for: ${found}`)
          this.#state = 'size'
          break
        case 'size':
          this.#leftInChunk = Number.parseInt(found, 16)
          this.#state = 'data'
          if (this.#leftInChunk > 0) break
          // The last chunk: an empty line follows, as after each other.
          ended += 1
          unread = unread.slice(2)
          this.#state = 'head'
          break
        case 'end':
          this.#state = 'size'
          break
      }
    }
    this.#unread = unread
    return { payload, ended }
  }
}

/** What all connections have seen since `reset`. */
class Tally {
  events = 0
  errors = 0
  delaysMs: number[] = []

  reset(): void {
    this.events = 0
    this.delaysMs = []
  }
}

/** Reads one stream after the other on one connection. */
function follow(url: URL, host: string, tally: Tally): Socket {
  const ask = `GET ${url.pathname} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n\r\n`
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
  const answer = new Dechunker()
  let unread = ''
  let expected = 1
  socket.on('connect', () => socket.write(ask))
  socket.on('data', (chunk: Buffer) => {
    const nowUs = Number(process.hrtime.bigint() / 1000n)
    const { payload, ended } = answer.read(chunk.toString('latin1'))
    const events = (unread + payload).split('\n\n')
    unread = events.pop() ?? ''
    for (const event of events) {
      const [, id, sentUs] = /^id: (\d+)\ndata: \{"token":" the","sentUs":(\d+)\}$/.exec(event) ?? []
      if (Number(id) !== expected) tally.errors += 1
      expected = (expected % EVENTS_PER_STREAM) + 1
      tally.events += 1
      tally.delaysMs.push((nowUs - Number(sentUs)) / 1000)
    }
    if (ended > 0) socket.write(ask)
  })
  socket.on('error', () => (tally.errors += 1))
  socket.on('end', () => (tally.errors += 1))
  return socket
}

/**
 * Follows streams of server-sent events on many connections. A request is a stream of 1,000 events: requests are events
 * divided by 1,000, also of streams that began before the measured span or end after it. The times are those of an
 * event from its sender to here.
 * @param onSpan called when the measured span begins, and when it ends.
 */
export async function followEvents(
  request: {
    readonly url: string
    readonly host: string
    readonly connections: number
    readonly warmUpSeconds: number
    readonly seconds: number
  },
  onSpan: (edge: 'begins' | 'ends') => void,
): Promise<Load> {
  const tally = new Tally()
  const url = new URL(request.url)
  const sockets = Array.from({ length: request.connections }, () => follow(url, request.host, tally))
  try {
    await new Promise((resolve) => setTimeout(resolve, request.warmUpSeconds * 1000))
    tally.reset()
    onSpan('begins')
    const beganMs = performance.now()
    await new Promise((resolve) => setTimeout(resolve, request.seconds * 1000))
    onSpan('ends')
    const { events, errors, delaysMs } = tally
    return {
      requests: events / EVENTS_PER_STREAM,
      seconds: (performance.now() - beganMs) / 1000,
      p50Ms: percentile(delaysMs, 50),
      p99Ms: percentile(delaysMs, 99),
      errors,
    }
  } finally {
    for (const socket of sockets) {
      socket.removeAllListeners().on('error', () => socket.destroy())
      socket.destroy()
    }
  }
}
