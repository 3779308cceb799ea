import { MemoryBus } from '../../bus/index.ts'
import { PromMetrics } from '../../telemetry/index.ts'
import { aborted } from '../stop-signals.ts'
import { buildClusterAdmin } from './cluster-admin.ts'
import { runRole } from './context.ts'
import { controllerCaches, ControllerPart } from './controller-part.ts'
import { gatewayCaches, openGatewayPart, type GatewayPart } from './gateway-part.ts'
import { listenAdmin } from './listen-admin.ts'
import type { RoleOptions } from './role-options.ts'

/** `pilotlight single`: gateway and controller in one process, without Redis. */
export function single(options: RoleOptions): Promise<void> {
  return runRole(options, async (context, cleanUp) => {
    const { stop, log } = context
    const bus = new MemoryBus(log)
    const metrics: PromMetrics = new PromMetrics(
      () => ({
        revisions: part.leading?.snapshot().revisions ?? carrying.revisions(),
        leading: part.leading !== undefined,
      }),
      {
        dumps: () => carrying.dumps(),
      },
    )
    const shared = gatewayCaches(context)
    const carrying: GatewayPart = await openGatewayPart(context, { ...shared, bus, metrics }, cleanUp)
    const { plane } = carrying
    const part: ControllerPart = new ControllerPart(context, {
      caches: controllerCaches(context, shared),
      bus,
      metrics,
    })
    const reason = (): string | undefined =>
      stop.first.aborted ? 'the gateway is stopping' : carrying.unready()
    const admin = await buildClusterAdmin(context, { part, metrics, unready: reason })
    await listenAdmin(context, admin, cleanUp)
    const over = new AbortController()
    const controlling = part.run(over.signal)
    await Promise.race([aborted(stop.first), controlling])
    log.info({}, 'stopping: requests under way are finished; a second signal ends them')
    // The controller goes on until the last request is through: held ones may still wait for a replica.
    await plane.drain(stop.second)
    over.abort()
    await controlling
  })
}
