import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { must } from '../../../interop/command.ts'
import type { Clock } from '../../../../src/core/clock.ts'
import { podNetworkOf } from '../network.ts'
import type { NodeState } from '../state.ts'
import type { Addresses } from './addresses.ts'

/** What a node's pods share. */
export interface PodNetwork {
  readonly node: NodeState
  readonly addresses: Addresses
  readonly pause: string
  readonly clock: Clock
}

/**
 * `02:00:0a:f4:01:09` for 10.244.1.9. One that is given stays: a bridge otherwise takes the lowest of its pods' addresses,
 * another one whenever a pod comes or goes, and its neighbours look for the old one for seconds. So it is with a pod that
 * gets the address of one that is gone.
 */
function hardwareAddress(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))
  return ['02', '00', ...bytes].join(':')
}

/** Makes the bridge that the node's pods hang on. A node that comes back finds it there. */
export async function makeBridge(node: NodeState): Promise<void> {
  const { bridge, gateway } = podNetworkOf(node)
  const make = [
    `ip link show ${bridge} >/dev/null 2>&1 || ip link add ${bridge} address ${hardwareAddress(gateway)} type bridge`,
    `ip address replace ${gateway}/24 dev ${bridge}`,
    `ip link set ${bridge} up`,
  ]
  await must('sh', ['-ec', make.join('\n')])
}

/**
 * The namespaces of a pod, held by a process that does nothing else. They vanish with it and its containers, whatever
 * ends them, so there is nothing to clean up.
 */
export class Sandbox {
  readonly address: string
  readonly #holder: ChildProcess
  readonly #network: PodNetwork
  readonly #ownsAddress: boolean

  private constructor(options: {
    holder: ChildProcess
    address: string
    network: PodNetwork
    ownsAddress: boolean
  }) {
    this.address = options.address
    this.#holder = options.holder
    this.#network = options.network
    this.#ownsAddress = options.ownsAddress
  }

  /** With the node's own network (`hostNetwork`) or one of its own, with an address that the whole bed can reach. */
  static async make(
    network: PodNetwork,
    options: { hostname: string; hostNetwork: boolean },
  ): Promise<Sandbox> {
    const { gateway } = podNetworkOf(network.node)
    const own = options.hostNetwork ? ['--uts'] : ['--uts', '--net']
    const holder = spawn('unshare', [...own, '--', network.pause], { stdio: 'ignore' })
    await once(holder, 'spawn')
    const address = options.hostNetwork ? gateway : network.addresses.take()
    const sandbox = new Sandbox({ holder, address, network, ownsAddress: !options.hostNetwork })
    try {
      await sandbox.#configure(options)
      return sandbox
    } catch (error) {
      await sandbox.remove()
      throw error
    }
  }

  /** The first words of a command that runs in this pod. */
  get enter(): string[] {
    const namespaces = `/proc/${this.#holder.pid}/ns`
    return ['nsenter', `--net=${namespaces}/net`, `--uts=${namespaces}/uts`, '--']
  }

  async remove(): Promise<void> {
    if (this.#holder.exitCode === null && this.#holder.signalCode === null) {
      const exit = once(this.#holder, 'exit')
      this.#holder.kill('SIGKILL')
      await exit
    }
    if (this.#ownsAddress) this.#network.addresses.giveBack(this.address)
  }

  async #configure({ hostname, hostNetwork }: { hostname: string; hostNetwork: boolean }): Promise<void> {
    await this.#hasNamespaces()
    const steps = [`echo ${hostname} > /proc/sys/kernel/hostname`]
    if (!hostNetwork) {
      const { bridge, gateway } = podNetworkOf(this.#network.node)
      // One end of the wire in the pod, as eth0; the other on the node's bridge, named after the address.
      const wire = `p${this.address.split('.').slice(2).join('-')}`
      const mac = hardwareAddress(this.address)
      const inPod = ['address', mac, 'name', 'eth0', 'netns', String(this.#holder.pid)]
      await must('ip', ['link', 'add', wire, 'type', 'veth', 'peer', ...inPod])
      await must('ip', ['link', 'set', wire, 'master', bridge, 'up'])
      steps.push(
        'ip link set lo up',
        `ip address add ${this.address}/24 dev eth0`,
        'ip link set eth0 up',
        `ip route add default via ${gateway}`,
      )
    }
    const [file, ...args] = this.enter
    await must(file!, [...args, 'sh', '-ec', steps.join('\n')])
  }

  /** unshare(1) says nothing when it is done: its namespace is another than ours from then on. */
  async #hasNamespaces(): Promise<void> {
    const ours = readlinkSync('/proc/self/ns/uts')
    while (readlinkSync(`/proc/${this.#holder.pid}/ns/uts`) === ours) {
      if (this.#holder.exitCode !== null) throw new Error('unshare could not make the namespaces of a pod')
      await this.#network.clock.sleep(1)
    }
  }
}
