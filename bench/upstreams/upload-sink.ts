/** Reads a body to its end, keeps none of it, and answers with its length: HTTP/1.1 with a Content-Length only. */
import { createServer, Socket } from 'node:net'
import { answerBenchmark, listenAnywhere } from '../child.ts'

/** One buffer for all reads: a fresh one per read would make this the slowest part of the benchmark. */
const buffer = Buffer.allocUnsafe(1_048_576)

function sink(accepted: Socket): void {
  let leftBytes = 0
  let wholeBytes = 0
  const take = (chunk: Buffer): void => {
    if (leftBytes === 0) {
      const headEnd = chunk.indexOf('\r\n\r\n')
      const head = chunk.toString('latin1', 0, headEnd)
      wholeBytes = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      leftBytes = wholeBytes - (chunk.length - headEnd - 4)
    } else {
      leftBytes -= chunk.length
    }
    if (leftBytes > 0) return
    const body = JSON.stringify({ bytes: wholeBytes })
    socket.write(
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
  }
  // Accepted sockets do not take `onread`; one made anew around the same handle does.
  const options = {
    handle: Reflect.get(accepted, '_handle'),
    onread: {
      buffer,
      callback: (bytes: number, filled: Uint8Array): boolean => {
        take(Buffer.from(filled.buffer, filled.byteOffset, bytes))
        return true
      },
    },
  }
  Reflect.set(accepted, '_handle', null)
  const socket = new Socket(options)
  socket.setNoDelay(true).on('error', () => socket.destroy())
  socket.resume()
}

answerBenchmark({ port: await listenAnywhere(createServer({ pauseOnConnect: true }, sink)) })
