import { Duplex, PassThrough, Writable } from 'node:stream'
import type { KubeConfig } from '@kubernetes/client-node'

/** The part of a WebSocket that a connection needs. */
interface Socket {
  readonly readyState: number
  readonly CLOSED: number
  close(): void
  addEventListener(type: 'close' | 'error', listener: () => void): void
}

/**
 * A connection to a port of a pod, through the API server and the pod's kubelet.
 * @throws Error when one of them refuses it; its message has the status: `Unexpected server response: 403`.
 */
export async function forwardPort(
  kubeConfig: KubeConfig,
  pod: { readonly namespace: string; readonly name: string },
  port: number,
): Promise<Duplex> {
  const { PortForward } = await import('@kubernetes/client-node')
  const input = new PassThrough()
  let refusal = ''
  const stream = new Duplex({
    read() {
      // The API server sends as it likes: the answers that come here are small.
    },
    write(chunk: Buffer, _encoding, done) {
      input.write(chunk, done)
    },
    final(done) {
      // The other side ends the connection after its answer; closing now would cut that off.
      done()
    },
    destroy(error, done) {
      socket?.close()
      done(error)
    },
  })
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      stream.push(chunk)
      done()
    },
  })
  const errors = new Writable({
    write(chunk: Buffer, _encoding, done) {
      refusal += chunk.toString('utf8')
      done()
    },
  })
  let socket: Socket | undefined
  const opened = await new PortForward(kubeConfig)
    .portForward(pod.namespace, pod.name, [port], output, errors, input)
    .catch((error: unknown) => {
      throw new Error(messageOf(error), { cause: error })
    })
  const end = (): void => {
    if (stream.destroyed) return
    if (refusal === '') stream.push(null)
    else stream.destroy(new Error(refusal.trim()))
  }
  if (typeof opened === 'function') throw new Error('the connection cannot be watched')
  socket = opened
  opened.addEventListener('close', end)
  opened.addEventListener('error', end)
  if (opened.readyState === opened.CLOSED) end()
  return stream
}

/** The library rejects with an event of its WebSocket. */
function messageOf(error: unknown): string {
  if (
    typeof error === 'object' &&
    error !== null &&
    'message' in error &&
    typeof error.message === 'string'
  ) {
    return error.message
  }
  return String(error)
}
