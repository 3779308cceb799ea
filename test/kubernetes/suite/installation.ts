import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { must } from '../../interop/command.ts'
import { testbed } from './cluster.ts'

const CHART = fileURLToPath(new URL('../../../charts/pilotlight', import.meta.url))
const RELEASE = 'pilotlight'
const DOMAIN = 'example.com'

export interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Pilotlight as `helm install` brings it up: two gateways, two controllers, Redis. All tests share it. */
export class Installation implements AsyncDisposable {
  readonly namespace = RELEASE
  readonly #agent = new Agent({ connections: 256, headersTimeout: 120_000, bodyTimeout: 120_000 })
  #gateways: readonly string[] = []
  #next = 0

  /**
   * Installs it, or waits until the one that is there is ready.
   * @param config fields of pilotlight.yaml that are not at their defaults.
   */
  static async open({ config = {} }: { readonly config?: object } = {}): Promise<Installation> {
    const redis = process.env['PILOTLIGHT_TEST_REDIS']
    const installation = new Installation()
    await helm(
      'upgrade',
      '--install',
      RELEASE,
      CHART,
      '--namespace',
      RELEASE,
      '--create-namespace',
      // Not those that another test came with.
      '--reset-values',
      `--set-json=config=${JSON.stringify(config)}`,
      '--wait',
      '--timeout=150s',
      ...(redis === undefined ? [] : ['--set', `redis.url=${redis}`]),
      // Its one node has as many processors as this machine.
      ...(testbed?.kubelet === 'real' ? ['--set', 'gateway.resources.requests.cpu=100m'] : []),
    )
    await installation.findGateways()
    return installation
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.close()
  }

  /** Reads again where the gateways are. */
  async findGateways(): Promise<readonly string[]> {
    const out = await kubectl(
      'get',
      'pods',
      '--namespace',
      this.namespace,
      '--selector',
      'app.kubernetes.io/component=gateway',
      '--field-selector',
      'status.phase=Running',
      '--output',
      // Those that stop still run, and know nothing of what has changed.
      'go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{.status.podIP}} {{end}}{{end}}',
    )
    this.#gateways = out.split(' ').filter((address) => address !== '')
    if (this.#gateways.length === 0) throw new Error('no gateway runs')
    return this.#gateways
  }

  /** One request, to one gateway after the other as a Service would share it. */
  async ask(
    host: string,
    path: string,
    options: {
      readonly body?: string
      /** An address, or `HOST:PORT`. */
      readonly gateway?: string
      readonly headers?: Readonly<Record<string, string>>
    } = {},
  ): Promise<Answer> {
    const gateway = options.gateway ?? this.#gateways[this.#next++ % this.#gateways.length]!
    const origin = gateway.includes(':') ? gateway : `${gateway}:8080`
    const answer = await request(`http://${origin}${path}`, {
      method: options.body === undefined ? 'GET' : 'POST',
      headers: {
        host,
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: options.body }),
      dispatcher: this.#agent,
    })
    return { status: answer.statusCode, body: await answer.body.text(), headers: answer.headers }
  }

  /** GET of the admin API with a token or none, of one controller or of any. */
  async admin(path: string, token?: string, controller?: string): Promise<Answer> {
    const [any] = controller === undefined ? await this.controllers() : []
    const answer = await request(`http://${controller ?? any?.address}:9090${path}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      dispatcher: this.#agent,
    })
    return { status: answer.statusCode, body: await answer.body.text(), headers: answer.headers }
  }

  /** The controllers, the one that leads first. */
  async controllers(): Promise<readonly { readonly name: string; readonly address: string }[]> {
    const lease = ['get', 'lease', 'pilotlight-controller', '--output', 'jsonpath={.spec.holderIdentity}']
    const holder = await kubectl('--namespace', this.namespace, ...lease)
    const out = await kubectl(
      'get',
      'pods',
      '--namespace',
      this.namespace,
      '--selector',
      'app.kubernetes.io/component=controller',
      '--field-selector',
      'status.phase=Running',
      '--output',
      'jsonpath={range .items[*]}{.metadata.name} {.status.podIP}{"\\n"}{end}',
    )
    const leader = holder.replace(/_[^_]*$/, '')
    return out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [name = '', address = ''] = line.split(' ')
        return { name, address }
      })
      .toSorted((a, b) => Number(b.name === leader) - Number(a.name === leader))
  }

  /** V1 predict of an iris service. */
  predict(name: string, namespace: string): Promise<Answer> {
    return this.ask(`${name}.${namespace}.${DOMAIN}`, `/v1/models/${name}:predict`, { body: IRIS })
  }
}

export const IRIS = JSON.stringify({
  instances: [
    [6.8, 2.8, 4.8, 1.4],
    [6.0, 3.4, 4.5, 1.6],
  ],
})

export async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await must(program('kubectl'), args, { timeoutMs: 170_000 })
  return stdout
}

export async function helm(...args: readonly string[]): Promise<string> {
  const { stdout } = await must(program('helm'), args, { timeoutMs: 170_000 })
  return stdout
}

function program(name: string): string {
  return testbed === undefined ? name : join(testbed.binaries, name)
}
