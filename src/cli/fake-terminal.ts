import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { buildAdmin } from '../admin/app.ts'
import { FakeControlPlane, SAMPLE_MS } from '../admin/fake-control-plane.ts'
import { ManualClock } from '../core/manual-clock.ts'
import { silentLog } from '../core/telemetry.ts'
import type { ExplainFiles } from './explain.ts'
import { run } from './program.ts'
import type { UpOptions } from './up-options.ts'

export interface Around {
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
  readonly explainFiles?: ExplainFiles
}

/** For tests: command lines against the real admin API over a fake control plane, a new one for each test. */
export class FakeTerminal {
  plane = new FakeControlPlane()
  folder = ''
  server = ''
  #app: Awaited<ReturnType<typeof buildAdmin>> | undefined

  constructor() {
    beforeAll(async () => {
      this.folder = await mkdtemp(join(tmpdir(), 'pilotlight-cli-'))
    })
    afterAll(async () => rm(this.folder, { recursive: true, force: true }))
    beforeEach(async () => this.#serve())
    afterEach(async () => this.stopServer())
  }

  async stopServer(): Promise<void> {
    await this.#app?.close()
    this.#app = undefined
  }

  /** Runs a command line; `finished` is its exit code. */
  start(line: string, around: Around = {}) {
    const clock = new ManualClock(SAMPLE_MS)
    const interrupt = new AbortController()
    const seen = { out: '', err: '' }
    const ups: UpOptions[] = []
    const io = {
      out: (text: string) => void (seen.out += text),
      err: (text: string) => void (seen.err += text),
      readStdin: async () => around.stdin ?? '',
      errIsTty: false,
      env: around.env ?? { PILOTLIGHT_SERVER: this.server },
      cwd: this.folder,
      clock,
      signal: interrupt.signal,
    }
    const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '')
    const finished = run(words, io, '1.2.3', {
      up: async (options) => void ups.push(options),
      cluster: { gateway: unused, controller: unused, single: unused },
      explainFiles: async () => around.explainFiles ?? (() => []),
    })
    return { seen, finished, interrupt, clock, ups }
  }

  /** Runs a command line to its end. */
  async result(line: string, around: Around = {}): Promise<{ code: number; out: string; err: string }> {
    const { seen, finished } = this.start(line, around)
    return { code: await finished, ...seen }
  }

  async #serve(): Promise<void> {
    this.plane = new FakeControlPlane()
    this.#app = await buildAdmin({
      controlPlane: this.plane,
      manifests: this.plane,
      logs: this.plane,
      metrics: { contentType: 'text/plain', expose: async () => '' },
      clock: new ManualClock(),
      log: silentLog,
      version: '1.2.3',
    })
    this.server = await this.#app.listen({ host: '127.0.0.1', port: 0 })
  }
}

function unused(): Promise<void> {
  return Promise.reject(new Error('roles on Kubernetes are not part of this terminal'))
}
