import { KINDS, type KubeObject } from '../../kubernetes/api/index.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { podFacts } from '../cluster/pods.ts'
import { orCliError } from '../cluster/refusals.ts'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'
import { withProgress } from '../progress.ts'
import { liveCrds } from './obstacles.ts'

const POLL_MS = 1_000

/** Until the API server serves the kinds of the CRDs. @throws CliError after `timeoutMs` (0 = never). */
export async function untilEstablished(
  io: Io,
  cluster: Cluster,
  crds: readonly KubeObject[],
  timeoutMs: number,
): Promise<void> {
  let waiting: readonly string[] = []
  await until(
    io,
    timeoutMs,
    () => `waiting for the CRDs ${waiting.join(', ')}`,
    async () => {
      waiting = (await liveCrds(cluster, crds)).filter((crd) => !crd.isEstablished).map(({ name }) => name)
      return waiting.length === 0
    },
  )
}

interface Deployment extends KubeObject {
  readonly spec?: { readonly replicas?: number }
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly updatedReplicas?: number
    readonly availableReplicas?: number
  }
}

/** Until every pod of the Deployments is the new one, and available. @throws CliError after `timeoutMs` (0 = never). */
export async function untilRolledOut(
  io: Io,
  cluster: Cluster,
  deployments: readonly KubeObject[],
  timeoutMs: number,
): Promise<void> {
  const namespace = deployments[0]?.metadata.namespace
  let waiting: readonly string[] = []
  let reason = ''
  await until(
    io,
    timeoutMs,
    () => `waiting for ${waiting.join(', ')}${reason}`,
    async () => {
      const { client } = cluster
      const listed = client.list<Deployment>(KINDS.deployments, { namespace, labelSelector: OURS })
      const { items } = await orCliError(cluster, 'the Deployments', listed)
      waiting = deployments.flatMap(({ metadata: { name } }) => {
        const live = items.find(({ metadata }) => metadata.name === name)
        return live !== undefined && isRolledOut(live) ? [] : [`${name} ${progressOf(live)}`]
      })
      if (waiting.length === 0) return true
      const pods = await client
        .list(KINDS.pods, { namespace, labelSelector: OURS })
        .catch(() => ({ items: [] }))
      const unready = pods.items.map(podFacts).find((pod) => !pod.isReady)
      reason = unready === undefined ? '' : ` (${unready.name}: ${unready.reason})`
      return false
    },
  )
}

const OURS = 'app.kubernetes.io/name=pilotlight'

function isRolledOut({ metadata, spec, status }: Deployment): boolean {
  const wanted = spec?.replicas ?? 1
  const isSeen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  const counts = [status?.replicas, status?.updatedReplicas, status?.availableReplicas]
  return isSeen && counts.every((count) => (count ?? 0) === wanted)
}

function progressOf(live: Deployment | undefined): string {
  return `${live?.status?.availableReplicas ?? 0} of ${live?.spec?.replicas ?? 1} ready`
}

async function until(
  io: Io,
  timeoutMs: number,
  sentence: () => string,
  isDone: () => Promise<boolean>,
): Promise<void> {
  const startMs = io.clock.now()
  const work = async (): Promise<void> => {
    while (!(await isDone())) {
      if (timeoutMs > 0 && io.clock.now() - startMs >= timeoutMs) {
        throw new CliError(
          'failed',
          `${sentence()}: not within ${timeoutMs / 1000}s. What was applied stays; see: pilotlight doctor`,
        )
      }
      await io.clock.sleep(POLL_MS, io.signal)
    }
  }
  await withProgress(io, sentence, work())
}
