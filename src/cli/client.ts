import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Snapshot } from '../control/view.ts'
import { CliError } from './errors.ts'
import { serverSentEvents } from './server-sent-events.ts'

interface Sent {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly body?: { readonly type: string; readonly text: string }
}

/** Where an admin API is, and how to get there. */
export interface AdminConnection {
  readonly url: URL
  /** Sent with each request. */
  readonly token?: string | undefined
  /** A stream to the API, where it is not simply a connection to the URL's host. */
  readonly connect?: () => Promise<Duplex>
  /** What to do when it cannot be reached, as a whole sentence. */
  readonly advice: string
}

/** The admin API, as commands call it. node:http and not fetch: it loads faster, and a command is short. */
export class AdminClient {
  readonly #connection: AdminConnection

  constructor(connection: AdminConnection) {
    this.#connection = connection
  }

  /** The JSON answer of GET `path`. @throws CliError with what the server says. */
  async get<T>(path: string): Promise<T> {
    const text = await readAll(await this.#send(path, {}))
    const value: T = JSON.parse(text)
    return value
  }

  /** Changes something; the JSON answer, or undefined where there is none. */
  async change<T>(path: string, sent: Sent): Promise<T | undefined> {
    const text = await readAll(await this.#send(path, sent))
    if (text === '') return undefined
    const value: T = JSON.parse(text)
    return value
  }

  /** The snapshot of a namespace (undefined: of all) now and after each change, until `signal` is aborted or the server ends it. */
  async *snapshots(namespace: string | undefined, signal: AbortSignal): AsyncGenerator<Snapshot> {
    const response = await this.#send(inNamespace('/api/v1/events', namespace), {}, signal)
    try {
      for await (const { event, data } of serverSentEvents(response)) {
        if (event !== 'snapshot') continue
        const snapshot: Snapshot = JSON.parse(data)
        yield snapshot
      }
    } catch (error) {
      if (!signal.aborted) throw this.#unreachable(error)
    } finally {
      response.destroy()
    }
  }

  /** A text answer in pieces, as they come. */
  async *text(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const response = await this.#send(path, {}, signal)
    response.setEncoding('utf8')
    try {
      for await (const piece of response) yield String(piece)
    } catch (error) {
      if (!signal.aborted) throw this.#unreachable(error)
    } finally {
      response.destroy()
    }
  }

  async #send(path: string, { method = 'GET', body }: Sent, signal?: AbortSignal): Promise<IncomingMessage> {
    const { url: server, token, connect } = this.#connection
    const request = server.protocol === 'https:' ? (await import('node:https')).request : httpRequest
    const stream = await connect?.().catch((error: unknown) => {
      throw this.#unreachable(error)
    })
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined
          ? {}
          : { 'content-type': body.type, 'content-length': Buffer.byteLength(body.text) }),
      }
      const way = stream === undefined ? { agent: false } : { createConnection: () => stream }
      const sent = request(
        new URL(path, server),
        { method, headers, ...way, ...(signal === undefined ? {} : { signal }) },
        resolve,
      )
      sent.once('error', (error) => reject(this.#unreachable(error)))
      sent.end(body?.text)
    })
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return response
    throw new CliError('failed', describe(status, await readAll(response)))
  }

  #unreachable(cause: unknown): CliError {
    if (cause instanceof CliError) return cause
    const { url, advice } = this.#connection
    const why =
      cause instanceof Error
        ? cause.message || ('code' in cause ? String(cause.code) : cause.name)
        : String(cause)
    return new CliError('unreachable', `cannot reach the admin API at ${url.origin} (${why}). ${advice}`, {
      cause,
    })
  }
}

/** `path` with `?namespace=`, or as it is. */
export function inNamespace(path: string, namespace: string | undefined): string {
  return namespace === undefined ? path : `${path}?namespace=${encodeURIComponent(namespace)}`
}

async function readAll(response: IncomingMessage): Promise<string> {
  let text = ''
  response.setEncoding('utf8')
  for await (const piece of response) text += String(piece)
  return text
}

/** The `error` of the answer's body; something that is not our API may answer anything. */
function describe(status: number, text: string): string {
  try {
    const body: { error?: unknown } | null = JSON.parse(text)
    if (typeof body?.error === 'string') return body.error
  } catch {
    // Not JSON: said below.
  }
  return `the server answered ${status}: ${text.slice(0, 200)}`
}
