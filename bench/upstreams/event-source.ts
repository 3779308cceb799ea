/**
 * Streams of 1,000 server-sent events, all streams together at a fixed rate, each event in a write of its own. Each
 * event says when it was sent, on the clock that all processes of a machine share.
 */
import { createServer, type Socket } from 'node:net'
import { z } from 'zod'
import { answerBenchmark, listenAnywhere, optionsOfScript } from '../child.ts'
import { EVENTS_PER_STREAM } from '../sse.ts'

const { eventsPerSecond } = z.object({ eventsPerSecond: z.int() }).parse(optionsOfScript())
/** After a stall, as many late events go out in one turn at most. */
const EVENTS_PER_TURN_MAX = 500

interface Stream {
  readonly socket: Socket
  sent: number
}

const HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n'
const streams: Stream[] = []
let next = 0

function sendOne(stream: Stream): void {
  stream.sent += 1
  const event = `id: ${stream.sent}\ndata: {"token":" the","sentUs":${process.hrtime.bigint() / 1000n}}\n\n`
  const chunk = `${event.length.toString(16)}\r\n${event}\r\n`
  stream.socket.write(stream.sent < EVENTS_PER_STREAM ? chunk : `${chunk}0\r\n\r\n`, 'latin1')
  if (stream.sent === EVENTS_PER_STREAM) leave(stream)
}

function leave(stream: Stream): void {
  const at = streams.indexOf(stream)
  if (at === -1) return
  streams.splice(at, 1)
  if (at < next) next -= 1
}

let lastMs = performance.now()
let due = 0
setInterval(() => {
  const nowMs = performance.now()
  due = Math.min(due + ((nowMs - lastMs) * eventsPerSecond) / 1000, EVENTS_PER_TURN_MAX)
  lastMs = nowMs
  for (; due >= 1 && streams.length > 0; due -= 1) {
    if (next >= streams.length) next = 0
    const stream = streams[next]!
    next += 1
    if (!stream.socket.writableNeedDrain) sendOne(stream)
  }
}, 1)

const server = createServer({ noDelay: true }, (socket) => {
  let unread = ''
  let current: Stream | undefined
  socket.on('data', (chunk: Buffer) => {
    unread += chunk.toString('latin1')
    if (!unread.includes('\r\n\r\n')) return
    unread = ''
    socket.write(HEAD, 'latin1')
    streams.push((current = { socket, sent: 0 }))
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    if (current !== undefined) leave(current)
  })
})
answerBenchmark({ port: await listenAnywhere(server) })
