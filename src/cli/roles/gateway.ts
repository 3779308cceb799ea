import { buildProbes } from '../../admin/index.ts'
import { RedisBus } from '../../bus/index.ts'
import { readConfig } from '../../core/config.ts'
import { GATEWAY_PODS, KINDS, livingGateways } from '../../kubernetes/index.ts'
import { PromMetrics } from '../../telemetry/index.ts'
import { CliError } from '../errors.ts'
import { aborted } from '../stop-signals.ts'
import { runRole, type RoleContext } from './context.ts'
import { gatewayCaches, openGatewayPart } from './gateway-part.ts'
import { listenAdmin } from './listen-admin.ts'
import type { RoleOptions } from './role-options.ts'

/** `pilotlight gateway`: carries requests; where to, the cluster says. */
export function gateway(options: RoleOptions): Promise<void> {
  return runRole(options, async (context, cleanUp) => {
    const { log, stop } = context
    const bus = cleanUp.use(await openBus(context))
    const metrics = new PromMetrics(() => ({ revisions: [] }))
    const { plane, unready } = await openGatewayPart(
      context,
      { ...gatewayCaches(context), bus, metrics },
      cleanUp,
    )
    const probes = buildProbes({
      log,
      metrics,
      unready: () => (stop.first.aborted ? 'the gateway is stopping' : unready()),
    })
    await listenAdmin(context, probes, cleanUp)
    log.info({ ...plane.bound }, 'the gateway listens')
    await aborted(stop.first)
    log.info({}, 'stopping: requests under way are finished; a second signal ends them')
    await plane.drain(stop.second)
  })
}

/**
 * The bus between the processes of an installation.
 * @throws CliError when no Redis is configured.
 */
export async function openBus(context: RoleContext): Promise<RedisBus> {
  const { name, namespace, config, clock, random, log, cacheOf } = context
  const url = process.env['REDIS_URL']
  const redis =
    url === undefined ? config.redis : readConfig({ redis: { ...config.redis, url } }, 'REDIS_URL').redis
  if (redis === undefined) {
    throw new CliError(
      'failed',
      'redis.url: is missing, and so is REDIS_URL; gateways and controllers hear each other through Redis. Set it, or run everything in one process with: pilotlight single',
    )
  }
  const gateways = cacheOf(KINDS.pods, { namespace, labelSelector: GATEWAY_PODS })
  return RedisBus.open({
    ...redis,
    name,
    // As long as it is not known who lives, not everybody was asked.
    members: () => (gateways.isSynced ? livingGateways(gateways) : ['(not read yet)']),
    clock,
    random,
    log,
  })
}
