import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { PublishedTables } from '../../src/gateway/index.ts'
import type { FromGateway, Sample, ToGateway } from './messages.ts'

const program = fileURLToPath(new URL('gateway-process.ts', import.meta.url))

/** The soak's end of the channel to its gateway process. */
export class GatewayHandle implements AsyncDisposable {
  readonly port: number
  readonly #child: ChildProcess
  readonly #exit: Promise<unknown>
  readonly #onWake: (revision: string) => void

  /** @param config as in `pilotlight.yaml`. */
  static async start(config: object, onWake: (revision: string) => void): Promise<GatewayHandle> {
    const child = fork(program, [JSON.stringify(config)], { execArgv: ['--expose-gc'] })
    const exit = once(child, 'exit')
    const listening = new Promise<number>((resolve) => {
      child.on('message', (message: FromGateway) => {
        if (message.kind === 'listening') resolve(message.port)
      })
    })
    const port = await Promise.race([listening, exit.then(([code]) => Promise.reject(died(code)))])
    return new GatewayHandle({ child, exit, port, onWake })
  }

  private constructor(options: {
    readonly child: ChildProcess
    readonly exit: Promise<unknown>
    readonly port: number
    readonly onWake: (revision: string) => void
  }) {
    this.#child = options.child
    this.#exit = options.exit
    this.port = options.port
    this.#onWake = options.onWake
    this.#child.on('message', (message: FromGateway) => {
      if (message.kind === 'wake') this.#onWake(message.revision)
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  publish(tables: PublishedTables): void {
    this.#send({ kind: 'publish', tables })
  }

  async sample(): Promise<Sample> {
    const answer = this.#next('sample')
    this.#send({ kind: 'sample' })
    return (await answer).sample
  }

  /** Drains as on SIGTERM; resolves when the process has ended. */
  async drain(): Promise<void> {
    const answer = this.#next('drained')
    this.#send({ kind: 'drain' })
    await answer
    await this.#exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL')
    await this.#exit
  }

  #send(message: ToGateway): void {
    this.#child.send(message)
  }

  #next<K extends FromGateway['kind']>(kind: K): Promise<Extract<FromGateway, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: FromGateway): void => {
        if (!isOfKind(message, kind)) return
        stop()
        resolve(message)
      }
      const onExit = (code: unknown): void => {
        stop()
        reject(died(code))
      }
      const stop = (): void => void this.#child.off('message', onMessage).off('exit', onExit)
      this.#child.on('message', onMessage).on('exit', onExit)
    })
  }
}

function isOfKind<K extends FromGateway['kind']>(
  message: FromGateway,
  kind: K,
): message is Extract<FromGateway, { kind: K }> {
  return message.kind === kind
}

const died = (code: unknown): Error => new Error(`the gateway process ended with ${String(code)}`)
