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
    const metrics: PromMetrics = new PromMetrics(() => ({
      revisions: part.leading?.snapshot().revisions ?? [],
      busConnected: bus.isConnected,
      leading: part.leading !== undefined,
    }))
    const part: ControllerPart = new ControllerPart(context, {
      caches: controllerCaches(context),
      bus,
      metrics,
    })
    const unready = (): string | undefined =>
      stop.first.aborted ? 'the controller is stopping' : unreadReason(part.unread)
    await listenAdmin(context, await buildClusterAdmin(context, { part, metrics, unready }), cleanUp)
    await part.run(stop.first)
    await aborted(stop.first)
    log.info({}, 'stopped: another controller leads from here on')
  })
}

/** A new controller that cannot lead must not take the place of an old one that can. */
function unreadReason(kinds: readonly string[]): string | undefined {
  if (kinds.length === 0) return undefined
  return `${kinds.join(', ')}: not read yet; the log says what the API server answers`
}
