import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SystemClock } from '../../src/core/clock.ts'
import { readConfig } from '../../src/core/config.ts'
import type { Desired } from '../../src/core/desired.ts'
import { Latest } from '../../src/core/latest.ts'
import type { RevisionName } from '../../src/core/names.ts'
import { SystemRandom } from '../../src/core/random.ts'
import type { Ready, Replica } from '../../src/core/replica.ts'
import type { ReplicaTemplate, Revision } from '../../src/core/revision.ts'
import { silentLog } from '../../src/core/telemetry.ts'
import { LocalCluster } from '../../src/local/local-cluster.ts'
import { HeldLoad } from '../support/held-load.ts'
import { revisionOf } from '../support/revisions.ts'
import type { ClusterHarness } from './cluster.contract.ts'

const SERVER = fileURLToPath(new URL('../fixtures/model-server.ts', import.meta.url))

export interface LocalHarness extends ClusterHarness {
  readonly cluster: LocalCluster
  readonly dir: string
  /** A revision of the fixture server with these arguments. */
  server(args: readonly string[], parts?: Partial<ReplicaTemplate>, name?: RevisionName): Revision
}

/** A LocalCluster with a state folder of its own and real processes. */
export async function localHarness(
  options: { gpus?: readonly string[]; local?: Record<string, unknown> } = {},
): Promise<LocalHarness> {
  const dir = await mkdtemp(join(tmpdir(), 'pilotlight-local-'))
  const load = new HeldLoad()
  const desired = new Latest<Desired>({ services: [], problems: [] })
  const cluster = await LocalCluster.open({
    clock: new SystemClock(),
    log: silentLog,
    config: readConfig({ local: { stateDir: dir, terminationGracePeriodMs: 2_000, ...options.local } }),
    configDir: dir,
    load,
    source: { desired: (signal) => desired.values(signal) },
    gpus: options.gpus ?? [],
    random: new SystemRandom(),
  })
  const server: LocalHarness['server'] = (args, parts = {}, name = 'ml/iris-predictor-00001') =>
    revisionOf(name, {
      command: [process.execPath, SERVER],
      args,
      modelName: 'iris',
      protocol: 'v1',
      ...parts,
    })
  return {
    cluster,
    load,
    dir,
    server,
    revision: (name) => server([], {}, name),
    configure: (value) => desired.set(value),
    until: (fits) => untilReady(cluster, fits),
    isRunning,
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function untilReady(cluster: LocalCluster, fits: (ready: Ready) => boolean): Promise<Ready> {
  const stop = new AbortController()
  for await (const ready of cluster.ready(stop.signal)) {
    if (fits(ready)) return ready
  }
  throw new Error('the cluster ended')
}

/** Whether something takes connections at the replica's address. */
export function isRunning({ address }: Pick<Replica, 'address'>): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address?.host ?? '', port: address?.port ?? 0 })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
