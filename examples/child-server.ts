import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** An example server as a child process, for tests: its address, and a stop that ends it and says how. */
export interface ChildServer extends AsyncDisposable {
  readonly url: string
  /** SIGTERM; resolves with the exit code (null: ended by a signal). */
  stop(): Promise<number | null>
}

/** Starts `file` with `--port=0`-like args and resolves when it says where it listens. */
export async function startServer(file: string, args: readonly string[], cwd: string): Promise<ChildServer> {
  const child = spawn(process.execPath, [file, ...args], { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const listening = new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /^listening on (\S+)$/.exec(line)?.[1]
      if (url !== undefined) resolve(url)
    })
    void exited.then((code) => reject(new Error(`${file} ended with ${code} before it listened`)))
  })
  const url = await listening
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM')
    return exited
  }
  return {
    url,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

/** POSTs JSON; the status and the text of the answer. */
export async function post(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; text: string }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, text: await response.text() }
}
