import { connect as connectTcp } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import { AdminClient } from '../client.ts'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'
import type { Cluster } from './cluster.ts'
import { readyControllers } from './controllers.ts'
import type { PodFacts } from './pods.ts'
import { forwardPort } from './port-forward.ts'
import { reasonGiven } from './refusals.ts'

const ADMIN_PORT = 9090
/** A command is over long before; a watch keeps the connection that it has. */
const TOKEN_SECONDS = 600

/** The admin API of the controllers, as the user of the kubeconfig. Whichever is asked asks the one that leads. */
export async function openAdmin(io: Pick<Io, 'env'>, cluster: Cluster): Promise<AdminClient> {
  const pods = await readyControllers(cluster)
  const [{ namespace }] = pods
  return new AdminClient({
    url: new URL(`http://pilotlight-controller.${namespace}`),
    token: (await ownToken(cluster)) ?? (await lentToken(cluster, pods[0])),
    connect: () => connectToOne(io, cluster, pods),
    advice: `See what is wrong with: pilotlight doctor; or reach it in another way and say where with --server URL`,
  })
}

async function ownToken({ client }: Cluster): Promise<string | undefined> {
  try {
    return await client.token()
  } catch (error) {
    throw new CliError('failed', reasonGiven(error), { cause: error })
  }
}

/** For users with a certificate: a token of the account that the installation has for them, if they may ask for one. */
async function lentToken({ client }: Cluster, pod: PodFacts): Promise<string> {
  const { namespace, serviceAccount = 'pilotlight-controller' } = pod
  const account = `${serviceAccount.replace(/-controller$/, '')}-admin`
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`
  try {
    const answer: { readonly status?: { readonly token?: string } } = await client.raw('POST', path, {
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: TOKEN_SECONDS },
      },
    })
    if (answer.status?.token !== undefined) return answer.status.token
    throw new Error('the API server answered without a token')
  } catch (error) {
    throw new CliError(
      'failed',
      `the admin API asks for a token, this user of the kubeconfig has none, and one of the service account ${namespace}/${account} ` +
        `cannot be had: ${reasonGiven(error)}. Use a user with a token, or let this one create serviceaccounts/token for ${account} in namespace ${namespace}`,
      { cause: error },
    )
  }
}

/** The first pod that can be reached; all that was tried is in the error. */
async function connectToOne(
  io: Pick<Io, 'env'>,
  { kubeConfig }: Cluster,
  pods: readonly PodFacts[],
): Promise<Duplex> {
  const failures: string[] = []
  for (const pod of pods) {
    const port = pod.containers.flatMap(({ ports }) => ports.get('admin') ?? []).at(0) ?? ADMIN_PORT
    try {
      return await forwardPort(kubeConfig, pod, port)
    } catch (error) {
      const why = reasonGiven(error)
      if (/\b40[13]\b/.test(why)) {
        throw new CliError(
          'failed',
          `no port of pod ${pod.namespace}/${pod.name} may be forwarded (${why}): ask for the verbs get and create of pods/portforward in namespace ${pod.namespace}`,
          { cause: error },
        )
      }
      failures.push(`port-forward to ${pod.name}: ${why}`)
    }
    if (!isInPodNetwork(io, pod) || pod.podIP === undefined) continue
    try {
      return await connectDirectly(pod.podIP, port)
    } catch (error) {
      failures.push(`${pod.podIP}:${port}: ${reasonGiven(error)}`)
    }
  }
  throw new Error(failures.join('; '))
}

/**
 * Whether the pod's address means the pod here: in another pod, and on its node. Elsewhere the same address may be
 * somebody else's machine, which must not get the user's token.
 */
function isInPodNetwork({ env }: Pick<Io, 'env'>, { hostIP }: PodFacts): boolean {
  if ((env['KUBERNETES_SERVICE_HOST'] ?? '') !== '') return true
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return own.some(({ address }) => address === hostIP)
}

function connectDirectly(host: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, timeout: 3_000 })
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', reject)
    socket.once('timeout', () => socket.destroy(new Error('no connection within 3 s')))
  })
}
