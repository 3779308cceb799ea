import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Snapshot } from '../../src/control/view.ts'

export const repository = fileURLToPath(new URL('../..', import.meta.url))
const bin = join(repository, 'bin', 'pilotlight.js')
/** A model server that says which process and revision answers, and how many requests it runs at once. */
export const modelServer = join(repository, 'test', 'fixtures', 'versioned-server.ts')

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A running `pilotlight up` on ports and a state folder of its own; disposing it stops it. */
export class Running implements AsyncDisposable {
  readonly process: ChildProcess
  readonly gateway: URL
  readonly admin: URL
  readonly folder: string
  readonly #exit: Promise<number | NodeJS.Signals | null>

  constructor(options: {
    readonly process: ChildProcess
    readonly gateway: URL
    readonly admin: URL
    readonly folder: string
    readonly exit: Promise<number | NodeJS.Signals | null>
  }) {
    this.process = options.process
    this.gateway = options.gateway
    this.admin = options.admin
    this.folder = options.folder
    this.#exit = options.exit
  }

  /** One request to the gateway, with the service named by `host` (a first label is enough: `iris.ml`). */
  async ask(
    host: string,
    path: string,
    options: { body?: unknown; method?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const body = options.body === undefined ? undefined : JSON.stringify(options.body)
    return ask(new URL(path, this.gateway), {
      method: options.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        host: `${host}.localhost`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body }),
    })
  }

  predict(host: string, instances: unknown, model = host.split('.')[0]!): Promise<Answer> {
    return this.ask(host, `/v1/models/${model}:predict`, { body: { instances } })
  }

  /** Reads the admin API's stream of snapshots until one is as wanted, and returns it. */
  async until(what: string, wanted: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
    let last: Snapshot | undefined
    const controller = new AbortController()
    try {
      for await (const snapshot of snapshots(new URL('/api/v1/events', this.admin), controller.signal)) {
        last = snapshot
        if (wanted(snapshot)) return snapshot
      }
    } finally {
      controller.abort()
    }
    throw new Error(`the admin API's stream ended before: ${what}; last: ${JSON.stringify(last)}`)
  }

  /** `pilotlight ARGS --server ...`, from a folder outside the repository. */
  cli(...args: string[]): Promise<CliResult> {
    return runCli([...args, '--server', this.admin.origin], this.folder)
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal)
  }

  exited(): Promise<number | NodeJS.Signals | null> {
    return this.#exit
  }

  write(name: string, content: string): void {
    writeFileSync(join(this.folder, name), content)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGTERM')
    await this.#exit
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export async function runCli(
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const code = new Promise<number>((resolve) => child.once('close', (exitCode) => resolve(exitCode ?? -1)))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, stdout, stderr }
}

/** Starts `pilotlight up` on files of its own (name -> content) and further paths; resolves when it is ready. */
export async function up(
  files: Readonly<Record<string, string>>,
  options: { paths?: readonly string[]; folder?: string; args?: readonly string[]; config?: string } = {},
): Promise<Running> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'pilotlight-e2e-'))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  const args = [
    bin,
    'up',
    ...(options.paths ?? [folder]),
    '--port',
    '0',
    '--admin-port',
    '0',
    '--state-dir',
    join(folder, '.state'),
  ]
  if (options.config !== undefined) args.push('--config', options.config)
  args.push(...(options.args ?? []))
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal))
  })
  const log: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line))
  const urls = await new Promise<{ gateway: URL; admin: URL }>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line)
      const ready = /^Pilotlight is ready: gateway (\S+), admin (\S+)/.exec(line)
      if (ready !== null) resolve({ gateway: new URL(ready[1]!), admin: new URL(ready[2]!) })
    })
    void exit.then((code) =>
      reject(new Error(`pilotlight up ended with ${code} before it was ready:\n${log.join('\n')}`)),
    )
  })
  return new Running({ process: child, ...urls, folder, exit })
}

/** One HTTP/1.1 request on a connection of its own. Rejects when the connection is reset. */
export function ask(
  url: URL,
  options: {
    method?: string
    headers?: Record<string, string>
    body?: string | Buffer
    signal?: AbortSignal
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      url,
      {
        method: options.method ?? 'GET',
        headers: options.headers ?? {},
        agent: false,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
      (incoming) => {
        text(incoming).then(
          (body) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }),
          reject,
        )
      },
    )
    outgoing.once('error', reject)
    outgoing.end(options.body)
  })
}

async function* snapshots(url: URL, signal: AbortSignal): AsyncGenerator<Snapshot> {
  const response = await fetch(url, { signal })
  if (response.body === null) throw new Error('no stream')
  const decoder = new TextDecoder()
  let buffered = ''
  for await (const chunk of response.body) {
    buffered += decoder.decode(chunk, { stream: true })
    for (let end = buffered.indexOf('\n\n'); end >= 0; end = buffered.indexOf('\n\n')) {
      const event = buffered.slice(0, end)
      buffered = buffered.slice(end + 2)
      const data = event
        .split('\n')
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5))
        .join('')
      if (data.trim() !== '') yield JSON.parse(data) as Snapshot
    }
  }
}

/** A ClusterServingRuntime for modelFormat `fixture`, run by the fixture server with these extra arguments. */
export function fixtureRuntime(args: readonly string[] = []): string {
  return `
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: fixture-runtime}
spec:
  supportedModelFormats: [{name: fixture, version: "1", autoSelect: true, priority: 1}]
  protocolVersions: [v1, v2]
  containers:
    - name: kserve-container
      command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(modelServer)}]
      args: ["--port={{.Port}}", "--model-name={{.Name}}"${args.map((arg) => `, ${JSON.stringify(arg)}`).join('')}]
`
}
