/** What bench/controller.ts runs inside the network of its test bed. */
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { KINDS, type ApiClient } from '../../src/kubernetes/index.ts'
import { attachTestbed } from '../../test/kubernetes/testbed/index.ts'
import { RedisServer } from '../../test/support/redis.ts'
import { machine } from '../cpu.ts'
import { Audit, count, isLease, isWrite, type Calls } from './audit.ts'
import { install, kubectl, openClient, pretendNodes, pretendPod } from './cluster.ts'
import type { Inspected } from './inspected.ts'
import { startRole } from './pilotlight.ts'
import { Services, type Applied } from './services.ts'
import { report } from './report.ts'

const optionsSchema = z.object({
  stateDir: z.string(),
  stages: z.string(),
  services: z.number(),
  changes: z.number(),
  ratePerSecond: z.number(),
  restSeconds: z.number(),
  output: z.enum(['table', 'json']),
  profile: z.string().optional(),
})
export type MeasureOptions = z.infer<typeof optionsSchema>

/** What a process used in a span, and has at its end. */
export interface Usage {
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly heapBytes: number
}

export interface Span {
  readonly name: string
  readonly seconds: number
  /** Of the machine, over the last minute, at the end of the span. */
  readonly load: number
  readonly controller: Usage
  readonly gateway: Usage
  /** By service account. */
  readonly calls: ReadonlyMap<string, Calls>
}

export interface Measured {
  readonly options: MeasureOptions
  readonly machine: string
  readonly spans: readonly Span[]
  readonly applied: readonly Applied[]
}

const NAMESPACE = 'pilotlight'
const SERVICES = 'bench'
const APPLIED_AT_ONCE = 8
/** After a burst the last pods are still on their way: nothing changes any more when nothing was written for so long. */
const SETTLED_AFTER_MS = 10_000
const SETTLING_MAX_MS = 180_000
const chart = fileURLToPath(new URL('../../charts/pilotlight', import.meta.url))

const options = optionsSchema.parse(JSON.parse(process.argv[2] ?? '{}'))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const say = (text: string): void => void process.stderr.write(`${text}\n`)

async function measure(): Promise<Measured> {
  const bed = attachTestbed(options.stateDir)
  await using stack = new AsyncDisposableStack()
  const client = stack.use(await openClient(bed.kubeconfigPath))
  const redis = stack.use(await RedisServer.start())
  say('installing; pretended nodes')
  const shipped = await install(bed, client, { namespace: NAMESPACE, chart })
  await kubectl(bed, 'create', 'namespace', SERVICES)
  const pods = 2 * (options.services + options.changes)
  stack.use(await pretendNodes(bed, client, { stages: options.stages, pods }))
  const start = async (component: 'controller' | 'gateway') => {
    const pod = await pretendPod(client, NAMESPACE, component)
    const role = await startRole(bed, component, { namespace: NAMESPACE, pod, redis: redis.url, shipped })
    stack.use(role.process)
    return role
  }
  const controller = await start('controller')
  const gateway = await start('gateway')
  await untilRuntime(client)
  const audit = new Audit(bed.auditLog)
  const spans: Span[] = []
  const span = async (name: string, work: () => Promise<void>): Promise<void> => {
    say(name)
    audit.since()
    spans.push(await watched(name, controller.process, gateway.process, audit, work))
  }
  const services = stack.use(new Services(client, { namespace: SERVICES, gatewayPort: gateway.port }))
  const names = numbered('service', options.services)
  await span('nothing there', () => sleep(5_000))
  await profiled(controller.process, 'controller-apply', () =>
    span(`${options.services} services applied at once`, () => services.applyAll(names, APPLIED_AT_ONCE)),
  )
  await settled(audit)
  await profiled(controller.process, 'controller-rest', () =>
    span(`at rest with ${options.services} services`, () => sleep(options.restSeconds * 1_000)),
  )
  let applied: readonly Applied[] = []
  await profiled(controller.process, 'controller-change', () =>
    profiled(gateway.process, 'gateway-change', () =>
      span(`${options.changes} more, ${options.ratePerSecond} a second`, async () => {
        applied = await services.applyPaced(numbered('change', options.changes), options.ratePerSecond)
      }),
    ),
  )
  return { options, machine: machine(), spans, applied }
}

async function watched(
  name: string,
  controller: Inspected,
  gateway: Inspected,
  audit: Audit,
  work: () => Promise<void>,
): Promise<Span> {
  const beganMs = performance.now()
  const cpu = [controller.cpuSeconds, gateway.cpuSeconds] as const
  await work()
  const seconds = (performance.now() - beganMs) / 1_000
  const usage = async (process_: Inspected, before: number): Promise<Usage> => {
    // In this order: the garbage collection is not the span's.
    const { cpuSeconds, residentBytes } = process_
    return { cpuSeconds: cpuSeconds - before, residentBytes, heapBytes: await process_.heapBytes() }
  }
  const calls = audit.since()
  const [load = 0] = loadavg()
  return {
    name,
    seconds,
    load,
    calls,
    controller: await usage(controller, cpu[0]),
    gateway: await usage(gateway, cpu[1]),
  }
}

async function profiled(process_: Inspected, name: string, work: () => Promise<void>): Promise<void> {
  if (options.profile === undefined) return await work()
  await process_.beginProfile()
  await work()
  await process_.endProfile(join(options.profile, `${name}.cpuprofile`))
}

async function settled(audit: Audit): Promise<void> {
  const untilMs = performance.now() + SETTLING_MAX_MS
  for (let quietSinceMs = performance.now(); performance.now() - quietSinceMs < SETTLED_AFTER_MS;) {
    await sleep(500)
    const written = [...audit.since().values()].some(
      (calls) => count(calls, (what) => isWrite(what) && !isLease(what)) > 0,
    )
    if (written) quietSinceMs = performance.now()
    // What is written for ever is shown as it is.
    if (performance.now() > untilMs) return
  }
}

/** Services name none: one that can serve their format has to be there. */
async function untilRuntime(client: ApiClient): Promise<void> {
  for (;;) {
    const found = await client.list(KINDS.clusterServingRuntimes, {})
    if (found.items.some(({ metadata }) => metadata.name.includes('sklearn'))) return
    await sleep(100)
  }
}

function numbered(prefix: string, many: number): readonly string[] {
  return Array.from({ length: many }, (_, index) => `${prefix}-${String(index).padStart(5, '0')}`)
}

process.exitCode = report(await measure())
