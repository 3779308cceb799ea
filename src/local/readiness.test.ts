import { createServer } from 'node:http'
import { expect, it } from 'vitest'
import { ManualClock } from '../core/manual-clock.ts'
import type { ReplicaTemplate } from '../core/revision.ts'
import { checkOf } from './readiness-check.ts'
import { checkPauseMs, untilReady } from './readiness.ts'

const template = (parts: Partial<ReplicaTemplate>): ReplicaTemplate => ({
  command: [],
  args: [],
  env: [],
  ports: [],
  requests: {},
  limits: {},
  storage: [],
  podSpec: {},
  ...parts,
})
const placement = { port: 4711, modelDirs: [] }

it.each([
  ['http', 0, 2],
  ['tcp', 1_000, 10],
  ['http', 10_000, 100],
  ['http', 900_000, 1_000],
  ['exec', 0, 250],
] as const)('a %s check after %i ms pauses %i ms', (kind, waitedMs, pauseMs) => {
  expect(checkPauseMs(kind, waitedMs)).toBe(pauseMs)
})

it.each([
  [
    { modelName: 'a b', protocol: 'v1' },
    { kind: 'http', path: '/v1/models/a%20b', readyInBody: true },
  ],
  [
    { modelName: 'm', protocol: 'v2' },
    { kind: 'http', path: '/v2/models/m/ready', port: 4711 },
  ],
  [
    { modelName: 'm', protocol: 'grpc-v2' },
    { kind: 'tcp', port: 4711 },
  ],
  [{}, { kind: 'tcp', port: 4711 }],
  // The port that the container declares is the replica's; another one is meant as it stands.
  [
    { ports: [{ containerPort: 8080 }], readinessProbe: { tcpSocket: { port: 8080 } } },
    { kind: 'tcp', port: 4711 },
  ],
  [
    { ports: [{ containerPort: 8080 }], readinessProbe: { tcpSocket: { port: 9000 } } },
    { kind: 'tcp', port: 9000 },
  ],
  [{ readinessProbe: { httpGet: { path: '/up', port: 'http' } } }, { kind: 'http', path: '/up', port: 4711 }],
] as const)('%j is checked by %j', (parts, check) => {
  expect(checkOf(template(parts), placement)).toMatchObject(check)
})

it('believes the answer of V1, not its status, and asks until it is yes', async () => {
  const answers = ['{"ready": false}', '{"ready": false}', '{"name": "m", "ready": true}']
  const server = createServer((_request, response) => response.end(answers.shift()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const check = checkOf(template({ modelName: 'm', protocol: 'v1' }), { ...placement, port })
  const clock = new ManualClock()
  const noes: string[] = []
  const launch = { file: '', args: [], env: {}, cwd: '.' }
  const asked = Promise.withResolvers<void>()
  const onNo = (no: string): void => {
    noes.push(no)
    if (noes.length === 1) asked.resolve()
  }
  const stop = new AbortController()
  const ready = untilReady(check, { probe: undefined, launch, clock, onNo }, stop.signal)
  await asked.promise
  const isSettled = ready.then(() => true)
  // Each pause of the clock is armed when an answer is in, which the real socket decides.
  for (let settled = false; !settled; settled = await Promise.race([isSettled, nextTurn()]))
    await clock.advance(1)
  expect(noes).toEqual(Array(2).fill('GET /v1/models/m: "ready" is false'))
  server.close()
})

function nextTurn(): Promise<false> {
  return new Promise((resolve) => setImmediate(() => resolve(false)))
}
