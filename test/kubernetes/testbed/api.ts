import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Agent, request } from 'undici'
import type { ClientFiles } from './pki.ts'

/** The API server said no; `status` is that of HTTP. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: T
}

export type PatchType = 'merge' | 'strategic-merge'

/** The few verbs of the Kubernetes API that bringing up a bed and playing a kubelet take. Objects are what the server sends. */
export class Api {
  readonly #server: string
  readonly #agent: Agent

  constructor({ server, ca, cert, key }: ClientFiles) {
    this.#server = server
    this.#agent = new Agent({
      connect: { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key), timeout: 2_000 },
      // A watch is silent for as long as nothing changes.
      bodyTimeout: 0,
    })
  }

  get<T>(path: string): Promise<T> {
    return this.#send('GET', path)
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.#send('POST', path, body)
  }

  patch<T>(path: string, body: unknown, type: PatchType = 'merge'): Promise<T> {
    return this.#send('PATCH', path, body, `application/${type}-patch+json`)
  }

  delete<T>(path: string, options: Readonly<Record<string, unknown>> = {}): Promise<T> {
    return this.#send('DELETE', path, { apiVersion: 'v1', kind: 'DeleteOptions', ...options })
  }

  /** Ends when the server ends it; rejects when the connection is lost. */
  async *watch<T>(path: string, signal: AbortSignal): AsyncGenerator<WatchEvent<T>> {
    const { statusCode, body } = await request(new URL(path, this.#server), {
      dispatcher: this.#agent,
      signal,
    })
    if (statusCode !== 200) throw new ApiError(statusCode, `GET ${path}: ${statusCode} ${await body.text()}`)
    // A connection that is lost rejects only here: readline takes an error of its input for the end.
    const failed = new Promise<never>((_, reject) => body.once('error', reject))
    failed.catch(() => undefined)
    for await (const line of createInterface({ input: body })) {
      const event: WatchEvent<T> = JSON.parse(line)
      yield event
    }
    if (body.errored) await failed
  }

  /** What a path that does not speak JSON answers, such as /readyz. */
  async text(path: string): Promise<string> {
    const { body } = await request(new URL(path, this.#server), { dispatcher: this.#agent })
    return body.text()
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #send<T>(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    content?: unknown,
    type = 'application/json',
  ) {
    const { statusCode, body } = await request(new URL(path, this.#server), {
      dispatcher: this.#agent,
      method,
      ...(content === undefined ? {} : { body: JSON.stringify(content), headers: { 'content-type': type } }),
    })
    const text = await body.text()
    if (statusCode >= 300) {
      throw new ApiError(statusCode, `${method} ${path}: ${statusCode} ${messageOf(text)}`)
    }
    const parsed: T = JSON.parse(text)
    return parsed
  }
}

/** Errors come as a Status object, but a proxy or an early failure answers with plain text. */
function messageOf(text: string): string {
  try {
    const parsed: { message?: string } = JSON.parse(text)
    return parsed.message ?? text
  } catch {
    return text
  }
}

export function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof ApiError && statuses.includes(error.status)
}
