import type { KubeConfig } from '@kubernetes/client-node'
import type { ApiClient } from '../../kubernetes/api/index.ts'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'

/** What --kubeconfig, --context and --install-namespace say. */
export interface ClusterOptions {
  readonly kubeconfig?: string | undefined
  readonly context?: string | undefined
  /** Where Pilotlight itself runs. Default: where its pods are found. */
  readonly installNamespace?: string | undefined
}

/** A cluster as the user of a kubeconfig sees it. */
export interface Cluster extends AsyncDisposable {
  readonly kubeConfig: KubeConfig
  readonly client: ApiClient
  /** That of the context, else `default`. */
  readonly namespace: string
  readonly installNamespace: string | undefined
}

/** Opens no connection yet. @throws CliError when there is no kubeconfig, or it cannot be used. */
export async function openCluster(io: Pick<Io, 'env' | 'clock'>, options: ClusterOptions): Promise<Cluster> {
  const { ApiClient, loadKubeConfig } = await import('../../kubernetes/api/index.ts')
  try {
    const { kubeconfig, context, installNamespace } = options
    const kubeConfig = await loadKubeConfig({ kubeconfig, context, env: io.env })
    const client = ApiClient.fromKubeConfig(kubeConfig, { clock: io.clock, fieldManager: FIELD_MANAGER })
    const namespace = kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace
    return {
      kubeConfig,
      client,
      namespace: namespace === undefined || namespace === '' ? 'default' : namespace,
      installNamespace,
      [Symbol.asyncDispose]: () => client.close(),
    }
  } catch (error) {
    throw new CliError('failed', error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** Who owns the fields that people set with this command line. */
const FIELD_MANAGER = 'pilotlight-cli'
