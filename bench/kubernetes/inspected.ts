import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { WebSocket } from 'undici'
import { z } from 'zod'
import { cpuMicros, residentBytes } from '../cpu.ts'
import { Child } from '../processes.ts'

const answerSchema = z.object({ id: z.number(), result: z.unknown(), error: z.unknown().optional() })
const heapSchema = z.object({ result: z.object({ value: z.number() }) })
const profileSchema = z.object({ profile: z.unknown() })

/** A Node process that can be asked about its heap from outside, through its inspector: the program itself knows nothing of it. */
export class Inspected implements AsyncDisposable {
  readonly child: Child
  readonly #socket: WebSocket
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>()
  #next = 1

  private constructor(child: Child, socket: WebSocket) {
    this.child = child
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      const parsed = answerSchema.safeParse(JSON.parse(String(data)))
      if (!parsed.success) return
      const { id, result, error } = parsed.data
      if (error === undefined) this.#asked.get(id)?.resolve(result)
      else this.#asked.get(id)?.reject(new Error(JSON.stringify(error)))
      this.#asked.delete(id)
    })
  }

  /** Starts a script of Node; what it logs goes to `onLine`. It ends with this process. */
  static async start(
    script: string,
    args: readonly string[],
    { env, onLine }: { readonly env: NodeJS.ProcessEnv; readonly onLine: (line: string) => void },
  ): Promise<Inspected> {
    const process_ = spawn(
      'setpriv',
      ['--pdeathsig', 'KILL', process.execPath, '--inspect=127.0.0.1:0', script, ...args],
      { stdio: ['ignore', 'inherit', 'pipe'], env },
    )
    const child = new Child(process_)
    const address = Promise.withResolvers<string>()
    createInterface({ input: process_.stderr }).on('line', (line) => {
      const found = /^Debugger listening on (ws:\S+)/.exec(line)?.[1]
      if (found === undefined) onLine(line)
      else address.resolve(found)
    })
    process_.once('exit', () => address.reject(new Error(`${script} ${args.join(' ')} ended at once`)))
    const socket = new WebSocket(await address.promise)
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve())
      socket.addEventListener('error', () =>
        reject(new Error(`the inspector of ${script} cannot be reached`)),
      )
    })
    return new Inspected(child, socket)
  }

  /** User and system time so far, in seconds. */
  get cpuSeconds(): number {
    return cpuMicros(this.child.pid) / 1_000_000
  }

  get residentBytes(): number {
    return residentBytes(this.child.pid)
  }

  /** What is reachable: after a garbage collection. */
  async heapBytes(): Promise<number> {
    await this.#ask('HeapProfiler.collectGarbage')
    const expression = 'process.memoryUsage().heapUsed'
    return heapSchema.parse(await this.#ask('Runtime.evaluate', { expression })).result.value
  }

  async beginProfile(): Promise<void> {
    await this.#ask('Profiler.enable')
    await this.#ask('Profiler.start')
  }

  /** For Chrome's and other viewers of .cpuprofile. */
  async endProfile(file: string): Promise<void> {
    const { profile } = profileSchema.parse(await this.#ask('Profiler.stop'))
    writeFileSync(file, JSON.stringify(profile))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close()
    await this.child[Symbol.asyncDispose]()
  }

  #ask(method: string, params: object = {}): Promise<unknown> {
    const id = this.#next++
    const answer = Promise.withResolvers<unknown>()
    this.#asked.set(id, answer)
    this.#socket.send(JSON.stringify({ id, method, params }))
    return answer.promise
  }
}
