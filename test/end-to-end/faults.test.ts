import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fixtureRuntime, up } from './harness.ts'
import { load, statuses, SteadyLoad } from './load.ts'
import { service } from './manifests.ts'

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('faults', () => {
  it('retries elsewhere when a replica is killed under load', async () => {
    await using running = await up({
      'runtime.yaml': fixtureRuntime(['--delay-ms=5']),
      'service.yaml': service('model', { predictor: { minReplicas: 3 } }),
    })
    const { replicas } = await running.until(
      'three are ready',
      (snapshot) => snapshot.replicas.filter(({ phase }) => phase === 'ready').length === 3,
    )
    const steady = new SteadyLoad(12, () => running.predict('model.default', [1]))
    await running.until('the load runs', () => steady.answers.length > 100)
    process.kill(replicas[0]!.pid!, 'SIGKILL')
    await running.until(
      'it was replaced',
      (snapshot) =>
        snapshot.replicas.filter(({ phase }) => phase === 'ready').length === 3 &&
        snapshot.replicas.every(({ pid }) => pid !== replicas[0]!.pid),
    )
    const result = await steady.stop()
    // The answers of the fixture are whole or not begun, so each request of the killed replica is retried.
    expect(statuses(result)).toEqual({ 200: result.answers.length })
  })

  it.each([
    ['one thread', '1'],
    ['three threads', '3'],
  ])(
    'finishes what is under way on SIGTERM, refuses what is new, and exits with 0: %s',
    async (_, workers) => {
      const files = { 'runtime.yaml': fixtureRuntime(['--delay-ms=3000']), 'service.yaml': service('model') }
      await using running = await up(files, { args: ['--workers', workers] })
      await running.until('it is ready', ({ replicas }) => replicas.some(({ phase }) => phase === 'ready'))
      const underWay = load({ count: 10, concurrency: 10 }, () => running.predict('model.default', [1]))
      await running.until('ten run', ({ revisions }) => revisions.some(({ inFlight }) => inFlight === 10))
      running.signal('SIGTERM')
      expect(statuses(await underWay)).toEqual({ 200: 10 })
      expect(await running.exited()).toBe(0)
      await expect(running.predict('model.default', [1])).rejects.toThrow(
        /ECONNREFUSED|ECONNRESET|socket hang up/,
      )
    },
  )

  it('leaves no process behind when it is killed', async () => {
    await using running = await up({
      'runtime.yaml': fixtureRuntime(),
      'service.yaml': service('model', { predictor: { minReplicas: 2 } }),
    })
    const { replicas } = await running.until(
      'two are ready',
      (snapshot) => snapshot.replicas.filter(({ phase }) => phase === 'ready').length === 2,
    )
    running.signal('SIGKILL')
    await running.exited()
    for (const { pid } of replicas) {
      while (isAlive(pid!)) await new Promise((resolve) => setImmediate(resolve))
      expect(isAlive(pid!)).toBe(false)
    }
  })

  it('goes on with its revisions and its split after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-e2e-'))
    const files = { 'runtime.yaml': fixtureRuntime(), 'service.yaml': service('model', { version: 'v1' }) }
    {
      const first = await up(files, { folder })
      await first.until(
        'v1 serves',
        ({ services }) =>
          services[0]?.status.components?.predictor?.latestReadyRevision === 'model-predictor-00001',
      )
      first.write(
        'service.yaml',
        service('model', { version: 'v2', predictor: { canaryTrafficPercent: 20 } }),
      )
      await first.until('v2 has 20 %', ({ revisions }) =>
        revisions.some(({ trafficPercent }) => trafficPercent === 20),
      )
      first.signal('SIGTERM')
      expect(await first.exited()).toBe(0)
    }
    expect(existsSync(join(folder, '.state'))).toBe(true)
    await using second = await up({}, { folder })
    const result = await load({ count: 100, concurrency: 8 }, () => second.predict('model.default', [1]))
    expect(statuses(result)).toEqual({ 200: 100 })
    const versions = result.answers.map(({ body }) => (JSON.parse(body) as { version: string }).version)
    expect(versions.filter((version) => version === 'v2')).toHaveLength(20)
    rmSync(folder, { recursive: true, force: true })
  })
})
