import { PromMetrics } from '../../telemetry/index.ts'
import { aborted } from '../stop-signals.ts'
import { buildClusterAdmin } from './cluster-admin.ts'
import { runRole } from './context.ts'
import { controllerCaches, ControllerPart } from './controller-part.ts'
import { gatewayPods, openBus } from './gateway.ts'
import { listenAdmin } from './listen-admin.ts'
import type { RoleOptions } from './role-options.ts'

/** `pilotlight controller`: one of them leads, the others wait. */
export function controller(options: RoleOptions): Promise<void> {
  return runRole(options, async (context, cleanUp) => {
    const { stop, log } = context
    const bus = cleanUp.use(await openBus(context, gatewayPods(context)))
    const metrics: PromMetrics = new PromMetrics(() => part.leading?.snapshot() ?? { revisions: [] })
    const part: ControllerPart = new ControllerPart(context, {
      caches: controllerCaches(context),
      bus,
      metrics,
    })
    const unready = (): string | undefined => (stop.first.aborted ? 'the controller is stopping' : undefined)
    await listenAdmin(context, await buildClusterAdmin(context, { part, metrics, unready }), cleanUp)
    await part.run(stop.first)
    await aborted(stop.first)
    log.info({}, 'stopped: another controller leads from here on')
  })
}
