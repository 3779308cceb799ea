import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { z } from 'zod'
import { FakeApiServer, type Interceptor } from '../../kubernetes/api/fake-api-server.ts'

const program = fileURLToPath(new URL('../main.ts', import.meta.url))
const lineSchema = z.looseObject({ msg: z.string(), url: z.string().optional() })
/** On a machine that has much to do. */
const PATIENTLY = { timeout: 10_000 }
const reasonSchema = z.object({ code: z.literal('NOT_READY'), error: z.string() })

/** A role as a process of its own, at a Redis that is not there: nobody needs it to be ready. */
class Role implements AsyncDisposable {
  readonly #folder: string
  readonly #child: ChildProcess
  readonly #lines: z.infer<typeof lineSchema>[] = []
  #heard = Promise.withResolvers<void>()

  constructor(role: string, api: FakeApiServer) {
    this.#folder = mkdtempSync(join(tmpdir(), 'pilotlight-role-'))
    const config = {
      admin: { host: '127.0.0.1', port: 0 },
      // Long enough to be looked at while it stops.
      gateway: { host: '127.0.0.1', port: 0, drainDelayMs: 60_000 },
      redis: { url: 'redis://127.0.0.1:1' },
    }
    const kubeConfig = this.#file('kubeconfig', api.kubeConfig().exportConfig())
    const file = this.#file('pilotlight.yaml', stringify(config))
    this.#child = spawn(process.execPath, [program, role, '--kubeconfig', kubeConfig, '--config', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    createInterface({ input: this.#child.stderr! }).on('line', (line) => {
      const parsed = lineSchema.safeParse(line.startsWith('{') ? JSON.parse(line) : undefined)
      if (parsed.data === undefined) return
      this.#lines.push(parsed.data)
      this.#heard.resolve()
      this.#heard = Promise.withResolvers()
    })
  }

  /** The line of its log that says so. */
  async says(text: string): Promise<z.infer<typeof lineSchema>> {
    for (;;) {
      const found = this.#lines.find(({ msg }) => msg.includes(text))
      if (found !== undefined) return found
      await this.#heard.promise
    }
  }

  /** `ok`, or `503` and why not. */
  async readiness(): Promise<string> {
    const { url } = await this.says('probes and metrics are there')
    const answer = await fetch(`${url}/readyz`)
    if (answer.status === 200) return (await answer.text()).trim()
    const { error } = reasonSchema.parse(await answer.json())
    return `${answer.status} ${error}`
  }

  signal(): void {
    this.#child.kill('SIGTERM')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL')
      await once(this.#child, 'exit')
    }
    rmSync(this.#folder, { recursive: true })
  }

  #file(name: string, content: string): string {
    const path = join(this.#folder, name)
    writeFileSync(path, content)
    return path
  }
}

/** Requests that are held until they are let go. */
function hold(
  api: FakeApiServer,
  fits: (request: Parameters<Interceptor>[0]) => boolean,
): { release(): void } {
  const gate = Promise.withResolvers<undefined>()
  api.intercept((request) => (fits(request) ? gate.promise : undefined))
  return { release: () => gate.resolve(undefined) }
}

it('of a gateway: not before routes and pods were read, nor from the first signal on', async () => {
  await using api = await FakeApiServer.start()
  const routes = hold(api, ({ kind, verb }) => verb === 'list' && kind.plural === 'inferenceroutes')
  await using gateway = new Role('gateway', api)
  expect(await gateway.readiness()).toBe(
    '503 InferenceRoutes and pods have not been read yet: the API server does not answer',
  )
  routes.release()
  await expect.poll(() => gateway.readiness(), PATIENTLY).toBe('ok')
  gateway.signal()
  await gateway.says('stopping')
  expect(await gateway.readiness()).toBe('503 the gateway is stopping')
}, 20_000)

it('of a controller: not before everything was read, nor from the first signal on', async () => {
  await using api = await FakeApiServer.start()
  const runtimes = hold(api, ({ kind, verb }) => verb === 'list' && kind.plural === 'servingruntimes')
  const lease = hold(api, ({ kind, verb }) => verb === 'update' && kind.plural === 'leases')
  await using controller = new Role('controller', api)
  await expect
    .poll(() => controller.readiness(), PATIENTLY)
    .toBe('503 servingruntimes: not read yet; the log says what the API server answers')
  runtimes.release()
  await expect.poll(() => controller.readiness(), PATIENTLY).toBe('ok')
  await controller.says('this process leads')
  controller.signal()
  // It gives the lease back, which takes as long as the API server takes.
  await expect.poll(() => controller.readiness(), PATIENTLY).toBe('503 the controller is stopping')
  lease.release()
}, 20_000)
