/**
 * A model server that tests can see into. It listens on `PORT`, `START_DELAY_MS` after it began.
 *
 *     POST /...                 after DELAY_MS: {"predictions":[1],"pod":"web-x2x7w","version":"...","most":2}
 *     GET /stream?seconds=20    server-sent events, ten a second, the last one `data: end`
 *     GET /times                when it began and when it listened, epoch ms, on the clock of the machine
 *     PUT /ready                `false` or `true`: what it says of itself from here on
 *     GET /...                  {"ready":true}, or 503
 *
 * `most` is the largest number of POSTs that were under way at once.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { SystemClock } from '../../../src/core/clock.ts'

const EVENT_EVERY_MS = 100
const clock = new SystemClock()
const beganAtMs = clock.now()
const env = (name: string): string => process.env[name] ?? ''

let listeningAtMs = 0
let isReady = true
let underWay = 0
let most = 0

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://model')
  const reply = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  if (request.method === 'PUT') {
    isReady = (await text(request)).trim() === 'true'
    reply(200, { ready: isReady })
  } else if (request.method === 'POST') {
    underWay += 1
    most = Math.max(most, underWay)
    await text(request)
    await clock.sleep(Number(env('DELAY_MS')))
    underWay -= 1
    reply(200, { predictions: [1], pod: env('HOSTNAME'), version: env('VERSION'), most })
  } else if (url.pathname === '/stream') {
    await stream(response, Number(url.searchParams.get('seconds') ?? '1'))
  } else if (url.pathname === '/times') {
    reply(200, { beganAtMs, listeningAtMs })
  } else {
    reply(isReady ? 200 : 503, { name: env('INFERENCE_SERVICE_NAME'), ready: isReady })
  }
}

async function stream(response: ServerResponse, seconds: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-pod': env('HOSTNAME') })
  const count = (seconds * 1_000) / EVENT_EVERY_MS
  for (let nth = 0; nth < count && !response.destroyed; nth += 1) {
    response.write(`data: ${nth}\n\n`)
    await clock.sleep(EVENT_EVERY_MS)
  }
  response.end('data: end\n\n')
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) =>
    response.destroy(error instanceof Error ? error : undefined),
  )
})
server.keepAliveTimeout = 120_000
await clock.sleep(Number(env('START_DELAY_MS')))
server.listen(Number(env('PORT') || '8080'), () => {
  listeningAtMs = clock.now()
})
process.once('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
