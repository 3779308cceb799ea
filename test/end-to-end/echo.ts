import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { up, type Running } from './harness.ts'
import { service } from './manifests.ts'

/** The service that clients of all kinds talk to: test/fixtures/echo-server.ts in two versions, half of the requests each. */

export const SERVICE = 'echo'
export const HOST = `${SERVICE}.default.localhost`

const server = fileURLToPath(new URL('../fixtures/echo-server.ts', import.meta.url))

const runtime = `
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: echo-runtime}
spec:
  supportedModelFormats: [{name: fixture, version: "1", autoSelect: true, priority: 1}]
  protocolVersions: [v1, v2]
  containers:
    - name: kserve-container
      command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(server)}]
      args: ["--port={{.Port}}", "--model-name={{.Name}}"]
`

/** @param config of `pilotlight.yaml`. */
export async function upWithCanary(config?: string): Promise<Running> {
  const running = await up({
    'runtime.yaml': runtime,
    'service.yaml': service(SERVICE, { version: 'v1' }),
    ...(config === undefined ? {} : { 'pilotlight.yaml': config }),
  })
  const latestHas = (revision: string, percent: number): Promise<unknown> =>
    running.until(`${revision} has ${percent} %`, ({ services }) =>
      (services[0]?.status.components?.predictor?.traffic ?? []).some(
        (target) => target.latestRevision && target.revisionName === revision && target.percent === percent,
      ),
    )
  await latestHas(`${SERVICE}-predictor-00001`, 100)
  running.write('service.yaml', service(SERVICE, { version: 'v2', predictor: { canaryTrafficPercent: 50 } }))
  await latestHas(`${SERVICE}-predictor-00002`, 50)
  return running
}

/** Nothing is in flight any more, as the admin API tells it. */
export function nothingInFlight(running: Running): Promise<unknown> {
  return running.until('nothing is in flight', ({ revisions }) =>
    revisions.every(({ inFlight, waiting }) => inFlight === 0 && waiting === 0),
  )
}

export const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')

export function countOf(items: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[item] = (counts[item] ?? 0) + 1
  return counts
}

const execute = promisify(execFile)

/** curl's standard output; rejects with its words when it fails. */
export async function curl(...args: readonly string[]): Promise<string> {
  const { stdout } = await execute('curl', ['-sS', '--max-time', '60', ...args], {
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}

/** The same, with a standard input. */
export async function curlWith(input: Buffer, ...args: readonly string[]): Promise<string> {
  const child = spawn('curl', ['-sS', '--max-time', '60', ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(input)
  return text(child.stdout)
}

/** What a Python script says, as JSON. */
export async function python(script: string, ...args: readonly (string | number)[]): Promise<unknown> {
  const file = fileURLToPath(new URL(script, import.meta.url))
  const { stdout } = await execute('python3', [file, ...args.map(String)])
  return JSON.parse(stdout)
}
