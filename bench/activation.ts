/**
 * What a cold start costs beyond the model's own start: `npm run bench:activation [-- --wakes 50] [-o json]`.
 *
 * One `pilotlight up` with as many sleeping services as wake-ups; each is woken once, in turn, by one request. The
 * model server says when its process began and when it listened, both on the machine's clock:
 *
 *     first byte ──spawn──▶ process began ──(own start)──▶ listening ──answer──▶ first byte of the answer
 *
 * The peer of the same run is the bare process: started by this benchmark, asked the moment it listens.
 */
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { ask, fixtureRuntime, modelServer, up } from '../test/end-to-end/harness.ts'
import { freePort } from './free-port.ts'
import { median, percentile, table } from './figures.ts'

const { values } = parseArgs({
  options: {
    wakes: { type: 'string', default: '50' },
    output: { type: 'string', short: 'o', default: 'table' },
  },
})
const wakes = Number(values.wakes)
if (!Number.isInteger(wakes) || wakes < 1 || wakes > 500) {
  console.error(`--wakes: got ${values.wakes}; allowed: a whole number from 1 to 500`)
  process.exit(2)
}

interface Wake {
  readonly spawnMs: number
  readonly answerMs: number
  readonly ownStartMs: number
  readonly wholeMs: number
}

const now = (): number => performance.timeOrigin + performance.now()

/** Asks twice: the first answer gives the whole, the second the server's own times. */
async function wake(url: URL, headers: Record<string, string>): Promise<Wake> {
  const beganMs = now()
  const first = await ask(url, { headers })
  const endedMs = now()
  if (first.status !== 200)
    throw new Error(`${url.href} ${JSON.stringify(headers)}: ${first.status} ${first.body}`)
  const times: { startedAtMs: number; listeningAtMs: number } = JSON.parse(first.body)
  return {
    spawnMs: times.startedAtMs - beganMs,
    answerMs: endedMs - times.listeningAtMs,
    ownStartMs: times.listeningAtMs - times.startedAtMs,
    wholeMs: endedMs - beganMs,
  }
}

/** The same process without a gateway: spawned here, asked over and over until it listens. */
async function bare(): Promise<Wake> {
  const port = await freePort()
  const url = new URL(`http://127.0.0.1:${port}/times`)
  const beganMs = now()
  const child = spawn(process.execPath, [modelServer, `--port=${port}`], { stdio: 'ignore' })
  try {
    for (;;) {
      const answer = await ask(url).catch(() => undefined)
      if (answer === undefined) continue
      const endedMs = now()
      const times: { startedAtMs: number; listeningAtMs: number } = JSON.parse(answer.body)
      return {
        spawnMs: times.startedAtMs - beganMs,
        answerMs: endedMs - times.listeningAtMs,
        ownStartMs: times.listeningAtMs - times.startedAtMs,
        wholeMs: endedMs - beganMs,
      }
    }
  } finally {
    child.kill('SIGKILL')
  }
}

function sleeper(index: number): string {
  return `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: sleeper-${index}
  annotations: {autoscaling.knative.dev/initial-scale: "0", autoscaling.knative.dev/window: "6s"}
spec:
  predictor:
    minReplicas: 0
    model: {modelFormat: {name: fixture}}
`
}

const services = Array.from({ length: wakes }, (_, index) => sleeper(index)).join('---')
await using running = await up(
  {
    'runtime.yaml': fixtureRuntime(),
    'services.yaml': services,
    'pilotlight.yaml': 'autoscaler: {allow-zero-initial-scale: "true"}\n',
  },
  {},
)

const ours: Wake[] = []
const peers: Wake[] = []
for (let index = 0; index < wakes; index++) {
  ours.push(await wake(new URL('/times', running.gateway), { host: `sleeper-${index}.default.localhost` }))
  peers.push(await bare())
}

const rows = (
  [
    ['first byte -> process began', (one: Wake) => one.spawnMs, 5],
    ['listening -> first answer', (one: Wake) => one.answerMs, 10],
    ["whole less the process's own start", (one: Wake) => one.wholeMs - one.ownStartMs, 20],
    ['whole', (one: Wake) => one.wholeMs, undefined],
  ] as const
).map(([step, figure, aimMs]) => {
  const mine = ours.map(figure)
  const peer = peers.map(figure)
  return {
    step,
    medianMs: median(mine),
    p99Ms: percentile(mine, 99),
    bareMedianMs: median(peer),
    ratio: median(mine) / median(peer),
    ...(aimMs === undefined ? {} : { aimMs }),
  }
})

console.log(`Cold starts through Pilotlight and of the bare process, ${wakes} each, in turn:\n`)
console.log(
  table(
    ['step', 'median ms', 'p99 ms', 'bare median ms', 'ratio', 'aim ms'],
    rows.map((row) => [
      row.step,
      row.medianMs.toFixed(1),
      row.p99Ms.toFixed(1),
      row.bareMedianMs.toFixed(1),
      row.ratio.toFixed(2),
      row.aimMs?.toFixed(0) ?? '',
    ]),
  ),
)
if (values.output === 'json') console.log(JSON.stringify({ results: rows }))
