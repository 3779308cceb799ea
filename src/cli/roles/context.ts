import { hostname } from 'node:os'
import { AutoscalerConfigError } from '../../../autoscaler/index.ts'
import { SystemClock, type Clock } from '../../core/clock.ts'
import { ConfigError, type Config } from '../../core/config.ts'
import { SystemRandom, type Random } from '../../core/random.ts'
import type { Log } from '../../core/telemetry.ts'
import {
  ApiClient,
  loadKubeConfig,
  ResourceCache,
  type KubeObject,
  type ResourceKind,
} from '../../kubernetes/index.ts'
import { pinoLog } from '../../telemetry/index.ts'
import type { ThreadBirth } from '../data-plane/messages.ts'
import { CliError } from '../errors.ts'
import { stopSignals, type StopSignals } from '../stop-signals.ts'
import { readUpConfig } from '../up-config.ts'
import type { RoleOptions } from './role-options.ts'

/** What every role on Kubernetes begins with. */
export interface RoleContext {
  /** Of the pod that this is. */
  readonly name: string
  readonly namespace: string
  readonly config: Config
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly logging: ThreadBirth['log']
  readonly client: ApiClient
  readonly stop: StopSignals
  /** A cache of a kind, which runs until the process ends. */
  readonly cacheOf: (
    kind: ResourceKind,
    selection?: {
      readonly namespace?: string
      readonly labelSelector?: string
      /** What is kept of an object; default: nearly all of it. */
      readonly trim?: (object: KubeObject) => KubeObject
    },
  ) => ResourceCache
}

/**
 * Runs a role until it is told to stop.
 * @throws CliError for options and configuration that cannot be used.
 */
export async function runRole(
  options: RoleOptions,
  role: (context: RoleContext, cleanUp: AsyncDisposableStack) => Promise<void>,
): Promise<void> {
  const stop = stopSignals()
  try {
    await using cleanUp = new AsyncDisposableStack()
    await role(await openContext(options, stop, cleanUp), cleanUp)
  } catch (error) {
    if (error instanceof ConfigError || error instanceof AutoscalerConfigError) {
      throw new CliError('failed', error.message, { cause: error })
    }
    throw error
  }
}

async function openContext(
  options: RoleOptions,
  stop: StopSignals,
  cleanUp: AsyncDisposableStack,
): Promise<RoleContext> {
  const { config } = readUpConfig(
    { paths: [], ...(options.config === undefined ? {} : { config: options.config }) },
    process.cwd(),
  )
  const clock = new SystemClock()
  const random = new SystemRandom()
  const isTty = process.stderr.isTTY
  const logging = { level: options.logLevel ?? 'info', pretty: isTty, colour: isTty } as const
  const log = pinoLog({ clock, ...logging })
  const kubeConfig = await loadKubeConfig(options).catch((error: unknown) => {
    throw new CliError('failed', error instanceof Error ? error.message : String(error))
  })
  const client = cleanUp.use(ApiClient.fromKubeConfig(kubeConfig, { clock, log }))
  const over = new AbortController()
  cleanUp.defer(() => over.abort())
  const own = kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace
  return {
    name: process.env['POD_NAME'] ?? hostname(),
    namespace: process.env['POD_NAMESPACE'] ?? own ?? 'default',
    config,
    clock,
    random,
    log,
    logging,
    client,
    stop,
    cacheOf(kind, selection = {}) {
      const cache = new ResourceCache(client, kind, { ...selection, clock, random, log })
      void cache.run(over.signal)
      return cache
    },
  }
}
