import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Ready, Replica } from '../../src/core/replica.ts'
import { isRunning, localHarness } from './local-harness.ts'

const never = new AbortController().signal
const allReady = (count: number) => (ready: Ready) =>
  ready.replicas.length === count && ready.replicas.every(({ phase }) => phase === 'ready')
const first = ({ replicas }: Ready): Replica => {
  if (replicas[0] === undefined) throw new Error('there is no replica')
  return replicas[0]
}

describe('a replica that fails', () => {
  it('says with what it ended and what it wrote, and when it is tried again', async () => {
    await using harness = await localHarness()
    await harness.cluster.scale(harness.server(['--exit', '3']), 1, never)
    const failed = first(
      await harness.until(({ replicas }) => replicas[0]?.reasonCode === 'CrashLoopBackOff'),
    )
    expect(failed).toMatchObject({
      phase: 'failed',
      reason: 'ended with exit code 3: model is broken',
      exitCode: 3,
      restarts: 1,
    })
    // The first restart was at once, the second is a second later.
    expect(failed.retryAtMs! - failed.sinceMs).toBeCloseTo(1_000, -2)
  })

  it('is out of ready when its process ends, and comes back', async () => {
    await using harness = await localHarness()
    await harness.cluster.scale(harness.server([]), 1, never)
    const { address, name } = first(await harness.until(allReady(1)))
    await fetch(`http://127.0.0.1:${address!.port}/die?code=9`).catch(() => {})
    const failed = first(await harness.until(({ replicas }) => replicas[0]?.phase !== 'ready'))
    expect(failed.name).toBe(name)
    const again = first(await harness.until(allReady(1)))
    expect(again).toMatchObject({ name, restarts: 1 })
    expect(again.address?.port).not.toBe(address?.port)
  })

  it.each([
    [
      'CommandNotFound',
      { command: ['no-such-server'] },
      'command "no-such-server" was not found on the PATH',
    ],
    ['CommandNotFound', { command: ['./no-such'], baseDir: '/' }, 'command "./no-such" was not found in /'],
    [
      'CommandNotFound',
      { command: ['/etc/passwd'] },
      'command "/etc/passwd" may not be executed (chmod +x?)',
    ],
    ['CommandNotFound', { workingDir: '/no/such/dir' }, 'workingDir /no/such/dir: no such folder'],
    ['NoCommand', { command: [] }, 'the container has no command'],
    [
      'StorageError',
      { storage: [{ uri: 'gs://x', mountPath: '/mnt/models' }] },
      'storageUri gs://x: no mapping',
    ],
    ['Unschedulable', { limits: { 'nvidia.com/gpu': 'half' } }, 'resources.limits["nvidia.com/gpu"]: "half"'],
  ] as const)('is %s with %j', async (reasonCode, parts, reason) => {
    await using harness = await localHarness()
    await harness.cluster.scale(harness.server([], parts), 1, never)
    const failed = first(await harness.until(({ replicas }) => replicas[0]?.phase === 'failed'))
    expect(failed.reasonCode).toBe(reasonCode)
    expect(failed.reason).toContain(reason)
    await harness.cluster.scale(harness.server([], parts), 0, never)
    await harness.until(({ replicas }) => replicas.length === 0)
  })
})

describe('readiness', () => {
  const PORT = 8080
  it.each([
    ['V1', {}],
    ['V2', { protocol: 'v2' }],
    ['a TCP connect', { protocol: 'grpc-v2' }],
    [
      'httpGet',
      {
        readinessProbe: { httpGet: { path: '/v2/models/x/ready', port: PORT } },
        ports: [{ containerPort: PORT }],
      },
    ],
    ['tcpSocket', { readinessProbe: { tcpSocket: { port: 'http' } } }],
    ['exec', { readinessProbe: { exec: { command: ['test', '{{.Port}}', '-gt', '0'] } } }],
  ] as const)('is asked by %s', async (_what, parts) => {
    await using harness = await localHarness()
    await harness.cluster.scale(harness.server([], parts), 1, never)
    expect(first(await harness.until(allReady(1)))).toMatchObject({ phase: 'ready', restarts: 0 })
  })

  it('has to be had on the port for gRPC calls, too, where there is one', async () => {
    await using harness = await localHarness()
    await harness.cluster.scale(harness.server(['--grpc-port={{.GrpcPort}}']), 1, never)
    const { address, grpcAddress } = first(await harness.until(allReady(1)))
    expect(grpcAddress?.port).not.toBe(address?.port)
    expect([await isRunning({ address: address! }), await isRunning({ address: grpcAddress! })]).toEqual([
      true,
      true,
    ])
    // This one is told such a port and does not listen there.
    const deaf = harness.server([], { env: [{ name: 'GRPC', value: '{{.GrpcPort}}' }] }, 'ml/deaf-00001')
    await harness.cluster.scale(deaf, 1, never)
    const loading = first({
      replicas: (
        await harness.until(({ replicas }) =>
          replicas.some(({ revision, phase }) => revision === deaf.name && phase === 'loading'),
        )
      ).replicas.filter(({ revision }) => revision === deaf.name),
    })
    for await (const line of harness.cluster.logs.read(loading.name, { follow: true }, never)) {
      if (line.endsWith('listening')) break
    }
    const env: unknown = await (await fetch(`http://127.0.0.1:${loading.address!.port}/env`)).json()
    expect(env).toMatchObject({
      PORT: String(loading.address!.port),
      GRPC: String(loading.grpcAddress!.port),
    })
    const now = await harness.until(() => true)
    expect(now.replicas.find(({ name }) => name === loading.name)?.phase).toBe('loading')
  })

  it('is not believed of a server that listens and says no', async () => {
    await using harness = await localHarness()
    const seen: string[] = []
    await harness.cluster.scale(harness.server(['--not-ready']), 1, never)
    const loading = first(await harness.until(({ replicas }) => replicas[0]?.phase === 'loading'))
    for await (const line of harness.cluster.logs.read(loading.name, { follow: true }, never)) {
      seen.push(line)
      if (line.endsWith('listening')) break
    }
    expect(await isRunning(loading)).toBe(true)
    expect(first(await harness.until(() => true)).phase).toBe('loading')
    expect(seen[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z started: /)
  })
})

describe('GPUs', () => {
  const gpu = { limits: { 'nvidia.com/gpu': '1' } }

  it('are handed out, waited for, and passed on', async () => {
    await using harness = await localHarness({ gpus: ['4', '5'] })
    const { cluster } = harness
    const until: typeof harness.until = (fits) => harness.until(fits)
    const small = harness.server([], gpu, 'ml/small-predictor-00001')
    const big = harness.server([], { limits: { 'nvidia.com/gpu': '2' } }, 'ml/big-predictor-00001')
    await cluster.scale(small, 1, never)
    const { address } = first(await until(allReady(1)))
    const env: unknown = await (await fetch(`http://127.0.0.1:${address!.port}/env`)).json()
    expect(env).toMatchObject({ CUDA_VISIBLE_DEVICES: '4', PORT: String(address!.port) })

    await cluster.scale(big, 1, never)
    const [, pending] = (await until(({ replicas }) => replicas.length === 2)).replicas
    expect(pending).toMatchObject({
      phase: 'scheduling',
      reasonCode: 'Unschedulable',
      reason: 'needs 2 nvidia.com/gpu, 1 of 2 is free',
    })
    await cluster.scale(small, 0, never)
    expect(first(await until(allReady(1))).revision).toBe(big.name)
  })
})

describe('going away', () => {
  it('ends with SIGKILL where SIGTERM is ignored', async () => {
    await using harness = await localHarness({ local: { terminationGracePeriodMs: 50 } })
    await harness.cluster.scale(harness.server(['--ignore-sigterm']), 1, never)
    const replica = first(await harness.until(allReady(1)))
    await harness.cluster.scale(harness.server(['--ignore-sigterm']), 0, never)
    await harness.until(({ replicas }) => replicas.length === 0)
    expect(await isRunning(replica)).toBe(false)
  })

  it('takes a draining replica back before it starts another', async () => {
    await using harness = await localHarness()
    const { cluster, load } = harness
    const revision = harness.server([])
    await cluster.scale(revision, 1, never)
    const { name, pid } = first(await harness.until(allReady(1)))
    load.begin(name)
    await cluster.scale(revision, 0, never)
    expect(first(await harness.until(() => true)).phase).toBe('draining')
    await cluster.scale(revision, 1, never)
    expect((await harness.until(() => true)).replicas).toMatchObject([{ name, pid, phase: 'ready' }])
    load.finish(name)
    expect((await harness.until(() => true)).replicas).toMatchObject([{ name, phase: 'ready' }])
  })

  it('does not take back what another template made', async () => {
    await using harness = await localHarness()
    await harness.cluster.scale(harness.server([]), 1, never)
    const { name } = first(await harness.until(allReady(1)))
    const changed = harness.server([], { env: [{ name: 'A', value: 'b' }] })
    await harness.cluster.scale(changed, 1, never)
    const { replicas } = await harness.until((ready) => allReady(1)(ready) && first(ready).name !== name)
    expect(replicas).toHaveLength(1)
  })

  it('keeps its log for afterwards', async () => {
    await using harness = await localHarness()
    const { cluster, dir } = harness
    await cluster.scale(harness.server([]), 1, never)
    const { name } = first(await harness.until(allReady(1)))
    await cluster.scale(harness.server([]), 0, never)
    await harness.until(({ replicas }) => replicas.length === 0)
    const text = await readFile(join(dir, 'logs', `${name}.log`), 'utf8')
    expect(text).toContain('started: ')
  })
})

it('starts the process in the turn of scale', async () => {
  await using harness = await localHarness()
  void harness.cluster.scale(harness.server([]), 1, never)
  const now = first(await harness.until(() => true))
  expect(now.phase).toBe('loading')
  expect(now.pid).toBeGreaterThan(0)
})

it('refuses a number that is none', async () => {
  await using harness = await localHarness()
  await expect(harness.cluster.scale(harness.server([]), -1, never)).rejects.toThrow(
    '-1 replicas is not allowed',
  )
})
