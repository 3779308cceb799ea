import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** The little HTTP that the example servers share: JSON in, JSON out, KServe's error bodies, an orderly end. */

const BODY_BYTES_MAX = 100 * 1024 * 1024

/** An answer other than 200: its status and, as KServe writes it, `{"error": "<message>"}`. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface Call {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** Reads the whole body as JSON. Throws HttpError 400 when it is none, 413 when it is too large. */
  json(): Promise<unknown>
}

/** What the answer's body is, before JSON. Throws HttpError for any other status than 200. */
export type Handler = (call: Call) => unknown

/** Listens, on this machine only unless `host` says more; port 0 takes a free one. Resolves once connections are accepted. */
export async function listen(
  port: number,
  handler: Handler,
  host = '127.0.0.1',
): Promise<{ server: Server; port: number }> {
  const server = createServer((message, response) => {
    void answer(message, response, handler)
  })
  // Longer than any gateway keeps an idle connection: the side that sends requests should close first.
  server.keepAliveTimeout = 120_000
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject)
  server.listen(port, host, listening.resolve)
  await listening.promise
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP port')
  return { server, port: address.port }
}

/** Says where it listens; on SIGTERM or SIGINT takes no new connection, answers what it has, and ends with 0. */
export async function serve(port: number, handler: Handler, host = '127.0.0.1'): Promise<void> {
  const { server, port: bound } = await listen(port, handler, host)
  const stop = (): void => {
    server.close(() => process.exit(0))
    server.closeIdleConnections()
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  // Last: who reads it may stop us at once.
  console.log(`listening on http://${host}:${bound}`)
}

async function answer(message: IncomingMessage, response: ServerResponse, handler: Handler): Promise<void> {
  const { status, body } = await answerTo(message, handler)
  const bytes = Buffer.from(JSON.stringify(body))
  response.statusCode = status
  response.setHeader('content-type', 'application/json')
  response.setHeader('content-length', bytes.length)
  // What is left of a body too large to read would be taken for the next request of a kept connection.
  if (status === 413) response.setHeader('connection', 'close')
  response.end(bytes)
}

/** Whatever is thrown becomes an answer here, and only here. */
async function answerTo(
  message: IncomingMessage,
  handler: Handler,
): Promise<{ status: number; body: unknown }> {
  try {
    const path = decodePath(message.url ?? '/')
    const body = await handler({
      method: message.method ?? 'GET',
      path,
      headers: message.headers,
      json: () => readJson(message),
    })
    return { status: 200, body }
  } catch (error) {
    if (error instanceof HttpError) return { status: error.status, body: { error: error.message } }
    console.error(error)
    return { status: 500, body: { error: error instanceof Error ? error.message : String(error) } }
  }
}

function decodePath(url: string): string {
  const path = url.split('?', 1)[0] ?? '/'
  try {
    return decodeURIComponent(path)
  } catch {
    throw new HttpError(400, `path ${path}: not percent-encoded UTF-8`)
  }
}

async function readJson(message: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new HttpError(413, `body: more than ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new HttpError(400, 'body: not JSON; expected an object like {"instances": [...]}')
  }
}

/** A JSON object's fields, or HttpError 400. */
export function asObject(value: unknown, field: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.fromEntries<unknown>(Object.entries(value))
  throw new HttpError(400, `${field}: ${show(value)} is not an object`)
}

/** A value for an error message, cut to a readable length. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** A port from the command line. */
export function asPort(text: string | undefined, flag: string): number {
  const port = Number(text)
  if (text !== undefined && text !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new Error(`${flag}: ${text ?? '(missing)'} is not a port; allowed: 0 to 65535, 0 = any free port`)
}
