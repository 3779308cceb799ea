import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { text } from 'node:stream/consumers'
import { HOST } from './peers/proxy.ts'
import { EVENTS_PER_STREAM } from './sse.ts'

/** Something cannot be measured: a line instead of a row. */
export class LeftOut extends Error {
  override readonly name = 'LeftOut'
}

function shortened(body: string): string {
  return body.length > 200 ? `${body.slice(0, 200)}... (${body.length} characters)` : body
}

/** @throws Error if the answer is not 200 with exactly this text. */
export async function expectAnswer(
  port: number,
  path: string,
  wanted: { readonly text: string; readonly bodyBytes?: number },
): Promise<void> {
  const { status, body } = await ask(port, path, wanted.bodyBytes ?? 0)
  if (status !== 200 || body !== wanted.text)
    throw new Error(
      `${path}: status ${status}, body ${shortened(body)}; wanted 200, ${shortened(wanted.text)}`,
    )
}

async function ask(port: number, path: string, bodyBytes: number): Promise<{ status: number; body: string }> {
  const agent = new Agent({ keepAlive: false })
  const outgoing = request({
    agent,
    port,
    path,
    host: '127.0.0.1',
    method: bodyBytes > 0 ? 'POST' : 'GET',
    headers: { host: HOST, ...(bodyBytes > 0 ? { 'content-length': bodyBytes } : {}) },
  })
  return await new Promise((resolve, reject) => {
    outgoing.on('error', reject)
    outgoing.on('response', (answer) => {
      text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject)
    })
    outgoing.end(Buffer.alloc(bodyBytes, 'x'))
  })
}

/** @throws Error if the answer is not one whole stream. */
export async function expectEvents(port: number, path: string): Promise<void> {
  const { status, body } = await ask(port, path, 0)
  const ids = [...body.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
  if (status !== 200 || ids.length !== EVENTS_PER_STREAM || ids.some((id, index) => id !== index + 1))
    throw new Error(
      `${path}: status ${status}, ${ids.length} events; wanted 200, ${EVENTS_PER_STREAM} in order`,
    )
}

/** @throws LeftOut where no HTTP/2 is spoken; Error if the answer is not this message with status 0 in trailers. */
export async function expectGrpcAnswer(port: number, path: string, message: Buffer): Promise<void> {
  const session = connect(`http://127.0.0.1:${port}`)
  try {
    await once(session, 'remoteSettings', { signal: AbortSignal.timeout(5_000) })
  } catch (cause) {
    session.destroy()
    throw new LeftOut('speaks no HTTP/2 with prior knowledge', { cause })
  }
  try {
    const call = session.request({
      ':method': 'POST',
      ':path': path,
      ':authority': HOST,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    let status: number | undefined
    let trailers: IncomingHttpHeaders = {}
    const chunks: Buffer[] = []
    call.on('response', (headers) => (status = headers[':status']))
    call.on('trailers', (headers) => (trailers = headers))
    call.on('data', (chunk: Buffer) => chunks.push(chunk))
    call.end(message)
    await once(call, 'end', { signal: AbortSignal.timeout(5_000) })
    const body = Buffer.concat(chunks)
    if (status !== 200 || trailers['grpc-status'] !== '0' || !body.equals(message))
      throw new Error(
        `${path}: status ${status}, grpc-status ${String(trailers['grpc-status'])}, body ${body.toString('hex')}`,
      )
  } finally {
    session.destroy()
  }
}
