import { connect, type Socket } from 'node:net'
import { SystemClock } from '../../src/core/clock.ts'
import { HttpReader, type Message } from './http-reader.ts'
import { turn } from './turns.ts'

/** What a client does next: write bytes, or wait for 100 (or an answer instead), or for so many answers. */
export type Step = Buffer | 'continue' | { readonly answers: number }

export interface Heard {
  /** Final answers, the last of them perhaps not whole. */
  readonly answers: readonly Message[]
  /** Why what came back is no HTTP. */
  readonly wrong: string | undefined
  /** No answer was broken off: the connection ended, or was left, between two. */
  readonly isClean: boolean
  /** `hung`: what was waited for never came. */
  readonly end: 'closed' | 'reset' | 'left' | 'hung'
}

export interface TalkOptions {
  /** Methods of the requests, in order; default GET. A HEAD's answer has no body. */
  readonly methods?: readonly string[]
  /** Leaves once so many answers are whole; else waits until the gateway closes. */
  readonly answers?: number
  /** Closes the client's direction after the last step. */
  readonly halfClose?: boolean
  readonly dial?: (port: number) => Socket
}

/** How long a connection may do nothing before it counts as hung. No test that passes waits for it. */
const HUNG_MS = 10_000
const clock = new SystemClock()

/** One client on one connection: does the steps, and gives what it heard. */
export async function talk(port: number, steps: readonly Step[], options: TalkOptions = {}): Promise<Heard> {
  const methods = options.methods ?? []
  const reader = new HttpReader((answer) => methods[answer] ?? 'GET')
  const socket = (options.dial ?? dialTcp)(port)
  const state: { end?: Heard['end'] } = {}
  let mayGoOn = 0
  let wake = Promise.withResolvers<void>()
  const stir = (): void => {
    wake.resolve()
    wake = Promise.withResolvers()
  }
  const over = (how: Heard['end']): void => {
    state.end ??= how
    stir()
  }
  const hung = clock.after(HUNG_MS, () => over('hung'))
  reader.onInterim = (status) => {
    if (status === 100) mayGoOn += 1
  }
  socket.on('data', (chunk: Buffer) => {
    reader.push(chunk)
    stir()
  })
  socket.on('end', () => {
    reader.end()
    over('closed')
  })
  socket.on('error', () => over('reset'))
  socket.on('close', () => over('closed'))
  const until = async (isThere: () => boolean): Promise<void> => {
    while (state.end === undefined && !isThere()) await wake.promise
  }

  let wasBytes = false
  for (const step of steps) {
    if (state.end !== undefined) break
    const isBytes = step !== 'continue' && !('answers' in step)
    if (step === 'continue') {
      const answered = reader.messages.length
      const allowed = mayGoOn
      await until(() => mayGoOn > allowed || reader.messages.length > answered)
    } else if ('answers' in step) await until(() => reader.wholeCount >= step.answers)
    else {
      if (wasBytes) await turn()
      if (state.end === undefined) socket.write(step)
    }
    wasBytes = isBytes
  }
  if (options.halfClose === true) socket.end()
  const { answers } = options
  await until(() => reader.wrong !== undefined || (answers !== undefined && reader.wholeCount >= answers))
  hung.cancel()
  socket.destroy()
  return { answers: reader.messages, wrong: reader.wrong, isClean: reader.isIdle, end: state.end ?? 'left' }
}

function dialTcp(port: number): Socket {
  // Half open: an answer that comes while the rest of a message is being written is still read.
  return connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
}

/** Bytes as text: one character a byte. */
export function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** A message in pieces, cut at these offsets. */
export function cutAt(message: Buffer, offsets: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  let from = 0
  for (const offset of [...offsets, message.length]) {
    if (offset > from) pieces.push(message.subarray(from, offset))
    from = Math.max(from, offset)
  }
  return pieces
}
