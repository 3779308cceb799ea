import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from 'undici'
import type { ApiClient, KubeObject } from '../../src/kubernetes/index.ts'

const ASK_EVERY_MS = 20
const PATIENCE_MS = 120_000

/** A service of two replicas, with what people write into one. */
export function serviceOf(namespace: string, name: string): KubeObject {
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name, namespace, labels: { team: 'bench' } },
    spec: {
      predictor: {
        minReplicas: 2,
        maxReplicas: 4,
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
        model: {
          modelFormat: { name: 'sklearn' },
          storageUri: `gs://models/sklearn/${name}`,
          resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: '1', memory: '1Gi' } },
          env: [{ name: 'WORKERS', value: '1' }],
        },
      },
    },
  }
}

/** From the moment that the API server has accepted the service. */
export interface Applied {
  /** The gateway knows its host: another answer than 404. */
  readonly routableMs: number
  /** A pretended pod has answered. */
  readonly answeredMs: number
}

/** Applies services and asks a gateway for each. */
export class Services implements AsyncDisposable {
  readonly #client: ApiClient
  readonly #namespace: string
  readonly #gateway: string
  readonly #agent = new Agent({ connections: 64, pipelining: 1 })

  constructor(client: ApiClient, options: { readonly namespace: string; readonly gatewayPort: number }) {
    this.#client = client
    this.#namespace = options.namespace
    this.#gateway = `http://127.0.0.1:${options.gatewayPort}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy()
  }

  /** As many at once as `concurrency`; resolves when all are answered. */
  async applyAll(names: readonly string[], concurrency: number): Promise<void> {
    const left = [...names]
    const work = async (): Promise<void> => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) {
        await this.#client.create(serviceOf(this.#namespace, name))
      }
    }
    await Promise.all(Array.from({ length: concurrency }, work))
    for (const name of names) await this.#until(name, (status) => status === 200, 100)
  }

  /** At a fixed rate, however long each takes. */
  async applyPaced(names: readonly string[], ratePerSecond: number): Promise<readonly Applied[]> {
    const beganMs = performance.now()
    return await Promise.all(
      names.map(async (name, index) => {
        await sleep(Math.max(0, beganMs + (index * 1_000) / ratePerSecond - performance.now()))
        await this.#client.create(serviceOf(this.#namespace, name))
        const acceptedMs = performance.now()
        await this.#until(name, (status) => status !== 404, ASK_EVERY_MS)
        const routableMs = performance.now() - acceptedMs
        await this.#until(name, (status) => status === 200, ASK_EVERY_MS)
        return { routableMs, answeredMs: performance.now() - acceptedMs }
      }),
    )
  }

  async #until(name: string, fits: (status: number) => boolean, everyMs: number): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS
    for (;;) {
      const nextMs = performance.now() + everyMs
      const { statusCode, body } = await this.#agent.request({
        origin: this.#gateway,
        path: `/v1/models/${name}`,
        method: 'GET',
        headers: { host: `${name}.${this.#namespace}.example.com` },
      })
      await body.dump()
      if (fits(statusCode)) return
      if (performance.now() > untilMs) throw new Error(`${name}: the gateway still answers ${statusCode}`)
      await sleep(Math.max(0, nextMs - performance.now()))
    }
  }
}
