import { createServer, get, type IncomingMessage, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import Fastify from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { ManualClock } from '../../core/manual-clock.ts'
import { forward } from './forward.ts'

const stack: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of stack.splice(0).toReversed()) await end()
})

async function portOf(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const address: AddressInfo | string | null = server.address()
  return address !== null && typeof address === 'object' ? address.port : 0
}

/** A follower of the leader at this port; undefined: nobody leads. */
async function follow(port: number | undefined, clock = new ManualClock()): Promise<string> {
  const app = Fastify({ forceCloseConnections: true })
  const host = port === undefined ? undefined : '127.0.0.1'
  app.addHook('onRequest', (request, reply) => forward(request, reply, { host, port: port ?? 1, clock }))
  app.all('/*', () => 'not forwarded')
  stack.push(() => app.close())
  return app.listen({ host: '127.0.0.1', port: 0 })
}

it('answers as the leader does, body and token passed on', async () => {
  const port = await portOf((request, response) => {
    const answer = async (): Promise<void> => {
      const { method, url = '', headers } = request
      const said = `${method} ${url} ${headers.authorization} ${await text(request)}`
      response.writeHead(201, { 'x-leader': 'yes' }).end(said)
    }
    void answer()
  })
  const url = await follow(port)
  const answer = await fetch(`${url}/api/v1/apply?x=1`, {
    method: 'POST',
    headers: { authorization: 'Bearer mine' },
    body: 'kind: x',
  })
  expect([answer.status, answer.headers.get('x-leader')]).toEqual([201, 'yes'])
  expect(await answer.text()).toBe('POST /api/v1/apply?x=1 Bearer mine kind: x')
})

it('breaks off where the leader breaks off', async () => {
  const port = await portOf((request, response) => {
    response.write('data: 1\n\n', () => setImmediate(() => request.socket.destroy()))
  })
  const url = await follow(port)
  const answer = await new Promise<IncomingMessage>((resolve) => void get(`${url}/api/v1/events`, resolve))
  await expect(text(answer)).rejects.toThrow('aborted')
})

it('lets the leader know when its client goes', async () => {
  const gone = Promise.withResolvers<void>()
  const port = await portOf((_request, response) => {
    response.once('close', () => gone.resolve()).write('data: 1\n\n')
  })
  const url = await follow(port)
  const answer = await new Promise<IncomingMessage>((resolve) => void get(`${url}/api/v1/events`, resolve))
  answer.destroy()
  await expect(gone.promise).resolves.toBeUndefined()
})

it('says so when the leader does not answer', async () => {
  const clock = new ManualClock()
  const asked = Promise.withResolvers<void>()
  const port = await portOf(() => asked.resolve())
  const url = await follow(port, clock)
  const answer = fetch(`${url}/api/v1/revisions`)
  await asked.promise
  await clock.advance(5_000)
  expect(await (await answer).json()).toEqual({
    code: 'NOT_READY',
    error: 'the leading controller cannot be reached: no answer within 5000 ms',
  })
})

it('forwards nothing twice, and nothing where nobody leads', async () => {
  const here = await follow(1)
  const twice = await fetch(`${here}/api/v1/revisions`, { headers: { 'x-pilotlight-forwarded': '1' } })
  expect(await twice.text()).toContain('no controller leads at this moment')
  const leaderless = await fetch(`${await follow(undefined)}/api/v1/revisions`)
  expect(await leaderless.text()).toContain('no controller leads at this moment')
})
