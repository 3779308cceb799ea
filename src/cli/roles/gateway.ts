import { buildProbes } from '../../admin/index.ts'
import { RedisBus } from '../../bus/index.ts'
import { readConfig } from '../../core/config.ts'
import { GATEWAY_PODS, KINDS, livingGateways, type ResourceCache } from '../../kubernetes/index.ts'
import { PromMetrics } from '../../telemetry/index.ts'
import { CliError } from '../errors.ts'
import { aborted } from '../stop-signals.ts'
import { runRole, type RoleContext } from './context.ts'
import { gatewayCaches, openGatewayPart, type GatewayPart } from './gateway-part.ts'
import { listenAdmin } from './listen-admin.ts'
import type { RoleOptions } from './role-options.ts'

/** `pilotlight gateway`: carries requests; where to, the cluster says. */
export function gateway(options: RoleOptions): Promise<void> {
  return runRole(options, async (context, cleanUp) => {
    const { log, stop } = context
    const gateways = gatewayPods(context)
    const bus = cleanUp.use(await openBus(context, gateways))
    const metrics: PromMetrics = new PromMetrics(
      () => ({ revisions: part.revisions(), busConnected: bus.isConnected }),
      { dumps: () => part.dumps() },
    )
    const part: GatewayPart = await openGatewayPart(
      context,
      { ...gatewayCaches(context), gateways, bus, metrics },
      cleanUp,
    )
    const { plane } = part
    const probes = buildProbes({
      log,
      metrics,
      unready: () => (stop.first.aborted ? 'the gateway is stopping' : part.unready()),
    })
    await listenAdmin(context, probes, cleanUp)
    log.info({ ...plane.bound }, 'the gateway listens')
    await aborted(stop.first)
    log.info({}, 'stopping: requests under way are finished; a second signal ends them')
    await plane.drain(stop.second)
  })
}

/** Who carries requests in this installation. */
export function gatewayPods({ namespace, cacheOf }: RoleContext): ResourceCache {
  return cacheOf(KINDS.pods, { namespace, labelSelector: GATEWAY_PODS })
}

/**
 * The bus between the processes of an installation.
 * @throws CliError when no Redis is configured.
 */
export async function openBus(context: RoleContext, gateways: ResourceCache): Promise<RedisBus> {
  const { name, config, clock, random, log } = context
  const url = process.env['REDIS_URL']
  const redis =
    url === undefined ? config.redis : readConfig({ redis: { ...config.redis, url } }, 'REDIS_URL').redis
  if (redis === undefined) {
    throw new CliError(
      'failed',
      'redis.url: is missing, and so is REDIS_URL; gateways and controllers hear each other through Redis. Set it, or run everything in one process with: pilotlight single',
    )
  }
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
