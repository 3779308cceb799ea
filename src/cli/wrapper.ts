import { Socket } from 'node:net'

/**
 * `bin/pilotlight.js` may have started this process on another Node. It passes on every signal but one: SIGKILL cannot
 * be caught. So it holds the other end of a pipe, and the kernel closes that end when it dies in whatever way.
 * `onGone` is called then, once; without a wrapper never.
 */
export function watchWrapper(
  env: Readonly<Record<string, string | undefined>>,
  onGone: () => void,
): Disposable {
  const fd = Number(env['PILOTLIGHT_WRAPPER_FD'] ?? Number.NaN)
  if (!Number.isInteger(fd) || fd < 3) return { [Symbol.dispose]() {} }
  // A socket, not a file stream: reading a file would hold a thread until the end, and with it this process.
  const pipe = new Socket({ fd, readable: true, writable: false }).unref()
  let disposed = false
  const gone = (): void => {
    if (disposed) return
    disposed = true
    onGone()
  }
  // Nothing is ever sent: the end of the stream, or an error on it, is the whole message.
  pipe.once('end', gone).once('error', gone).resume()
  return {
    [Symbol.dispose]() {
      disposed = true
      pipe.destroy()
    },
  }
}
