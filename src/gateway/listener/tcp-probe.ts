import { connect } from 'node:net'
import type { Cancellation } from '../../core/cancellation.ts'
import type { Clock } from '../../core/clock.ts'
import type { Address } from '../../core/replica.ts'

/** Whether something takes connections there. Never rejects: an aborted signal is a no. */
export type Probe = (address: Address, signal: Cancellation) => Promise<boolean>

/** A probe that opens a TCP connection and closes it. `timeoutMs`: a longer silence is a no; 0 = as long as the system tries. */
export function tcpProbe(clock: Clock, timeoutMs: number): Probe {
  return (address, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve(false)
        return
      }
      const socket = connect({ host: address.host, port: address.port })
      const answer = (isOpen: boolean): void => {
        timer?.cancel()
        signal.removeEventListener('abort', onAbort)
        socket.destroy()
        resolve(isOpen)
      }
      const onAbort = { handleEvent: () => answer(false) }
      const timer =
        timeoutMs > 0 ? clock.after(timeoutMs, () => answer(false), { keepAlive: false }) : undefined
      signal.addEventListener('abort', onAbort, { once: true })
      socket.once('connect', () => answer(true))
      socket.on('error', () => answer(false))
    })
}
