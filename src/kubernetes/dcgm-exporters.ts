import type { Clock } from '../core/clock.ts'
import type { Config } from '../core/config.ts'
import type { GpuSource, GpuUsage } from '../core/measurements.ts'
import type { ReplicaName } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'
import {
  absent,
  dcgmContainers,
  dcgmDefaults,
  dcgmReplica,
  dcgmSampleNames,
  readExposition,
  type DcgmContainer,
} from '../signals/index.ts'
import { KINDS, type KubeObject, type ObjectLists } from './api/index.ts'

/** Pods of a DaemonSet come and go with nodes. */
const LIST_PERIOD_MS = 60_000

export interface DcgmExportersOptions {
  readonly client: ObjectLists
  readonly clock: Clock
  readonly config: Config['metrics']['dcgm']
  /** Of replicas: where they run. */
  readonly pods: { get(key: string): KubeObject | undefined }
  /** The text at a URL. Rejects where there is none. */
  readonly get: (url: string) => Promise<string>
}

/** Of one node, or why nothing was read there. */
type NodeReading = readonly DcgmContainer[] | { readonly absent: string; readonly detail: string }

/** GPUs of pods, as NVIDIA's DCGM exporter on their node shows them. */
export class DcgmExporters implements GpuSource {
  readonly #options: DcgmExportersOptions
  /** Addresses by node. */
  #exporters: ReadonlyMap<string, string> = new Map()
  #listedMs = -Infinity

  constructor(options: DcgmExportersOptions) {
    this.#options = options
  }

  async gpus(replicas: readonly Replica[], signal: AbortSignal): Promise<ReadonlyMap<ReplicaName, GpuUsage>> {
    await this.#list(signal)
    const byNode = Map.groupBy(replicas, ({ name }) => this.#nodeOf(name))
    const found = new Map<ReplicaName, GpuUsage>()
    await Promise.all(
      byNode.entries().map(async ([node, own]) => {
        const reading = await this.#read(node)
        for (const { name } of own) {
          if ('absent' in reading) found.set(name, { utilization: reading, memory: reading })
          else {
            const { utilization, memory } = dcgmReplica(reading, name)
            found.set(name, { utilization, memory })
          }
        }
      }),
    )
    return found
  }

  #nodeOf(replica: ReplicaName): string {
    return textAt(this.#options.pods.get(replica)?.spec, 'nodeName')
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, clock, config } = this.#options
    if (clock.now() - this.#listedMs < LIST_PERIOD_MS) return
    const lists = await Promise.all(
      config.selectors.map((labelSelector) => client.list(KINDS.pods, { labelSelector }, signal)),
    )
    const pods = lists.flatMap(({ items }) => items)
    this.#listedMs = clock.now()
    this.#exporters = new Map(
      pods.flatMap(({ spec, status }: KubeObject) => {
        const [node, address] = [textAt(spec, 'nodeName'), textAt(status, 'podIP')]
        return node === '' || address === '' ? [] : [[node, address]]
      }),
    )
  }

  async #read(node: string): Promise<NodeReading> {
    if (node === '') return absent('not scraped', 'its pod is on no node')
    const { clock, config, get } = this.#options
    const address = this.#exporters.get(node)
    if (address === undefined) {
      const selectors = config.selectors.join(' or ')
      return {
        absent: 'no exporter',
        detail: `no DCGM exporter on node ${node} (${selectors || 'no selector'})`,
      }
    }
    const host = address.includes(':') ? `[${address}]` : address
    try {
      const text = await get(`http://${host}:${config.port}${dcgmDefaults.path}`)
      return dcgmContainers(readExposition(text, { wanted: dcgmSampleNames }).samples, clock.now())
    } catch (error) {
      return { absent: 'no answer', detail: error instanceof Error ? error.message : String(error) }
    }
  }
}

function textAt(part: unknown, field: string): string {
  const value: unknown = typeof part === 'object' && part !== null ? Reflect.get(part, field) : undefined
  return typeof value === 'string' ? value : ''
}
