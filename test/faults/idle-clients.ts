/**
 * Clients in a process of their own, because a process may open 20,000 files: opens connections to a port, asks once on
 * each, and tells its parent how many were answered and how many have ended since.
 */
import { connect } from 'node:net'

export interface Order {
  readonly port: number
  readonly count: number
  readonly request: string
  /** What an answer ends with. */
  readonly answerEnd: string
}

export interface Tally {
  readonly answered: number
  readonly ended: number
  /** Connections that broke instead of ending. */
  readonly reset: number
}

const AT_ONCE = 100
const tally = { answered: 0, ended: 0, reset: 0 }
let isTold = true

/** Once per turn, however much has happened in it. */
function tell(): void {
  if (!isTold) return
  isTold = false
  setImmediate(() => {
    isTold = true
    process.send?.({ ...tally })
  })
}

function open({ port, request, answerEnd }: Order): Promise<void> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (!text.endsWith(answerEnd)) return
      text = ''
      tally.answered += 1
      tell()
      resolve()
    })
    socket.on('error', () => (tally.reset += 1))
    socket.on('close', () => {
      tally.ended += 1
      tell()
      resolve()
    })
  })
}

process.on('message', async (order: Order) => {
  let next = 0
  const worker = async (): Promise<void> => {
    for (; next < order.count;) {
      next += 1
      await open(order)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
})
process.on('disconnect', () => process.exit())
