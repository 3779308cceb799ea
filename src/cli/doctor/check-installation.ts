import type { PodFacts } from '../cluster/pods.ts'
import type { ClusterFacts, InstallationFacts } from './facts.ts'
import { about, fail, ok, warn, type Finding } from './finding.ts'

export function checkControllers({ installation }: ClusterFacts): Finding {
  const what = 'controllers'
  return about(what, installation.controllers, (pods) =>
    pods.length === 0
      ? fail(what, `no pod in namespace ${installation.namespace}`, notInstalled(installation, 'controller'))
      : readiness(what, pods, installation.namespace),
  )
}

export function checkGateways({ installation }: ClusterFacts): Finding {
  const what = 'gateways'
  if (isSingle(installation)) return ok(what, 'profile single: the controller is the gateway')
  return about(what, installation.gateways, (pods) =>
    pods.length === 0
      ? fail(what, `no pod in namespace ${installation.namespace}`, notInstalled(installation, 'gateway'))
      : readiness(what, pods, installation.namespace),
  )
}

export function checkLeader({ installation, nowMs }: ClusterFacts): Finding {
  const what = 'leader'
  const { namespace, lease, controllers } = installation
  const fix = `kubectl -n ${namespace} logs -l app.kubernetes.io/component=controller`
  return about(what, lease, (held) => {
    if (held === undefined || held.holder === '') return fail(what, 'no controller leads', fix)
    const ageS = Math.round((nowMs - held.renewedAtMs) / 1000)
    if (nowMs - held.renewedAtMs > held.durationMs) {
      return fail(
        what,
        `${held.holder} renewed its lease ${ageS}s ago, and it holds ${held.durationMs / 1000}s`,
        fix,
      )
    }
    const isKnown = !('value' in controllers) || controllers.value.some(({ name }) => name === held.holder)
    if (!isKnown) {
      return warn(what, `${held.holder} holds the lease and is none of the controllers' pods`, fix)
    }
    return ok(what, `${held.holder}, renewed ${Math.max(0, ageS)}s ago`)
  })
}

export function checkRedis({ installation }: ClusterFacts): Finding {
  const what = 'Redis'
  if (isSingle(installation)) return ok(what, 'profile single: none is needed')
  return about(what, installation.redis, (pods) => {
    if (pods.length === 0) {
      if (isMissing(installation)) return warn(what, 'nothing is installed', INSTALL)
      const where = 'one of your own (none runs in this namespace)'
      const fix = `see that gateways do not log that Redis is away: kubectl -n ${installation.namespace} logs -l app.kubernetes.io/component=gateway`
      return warn(what, `${where}: whether it answers cannot be seen from here`, fix)
    }
    const found = readiness(what, pods, installation.namespace)
    const meanwhile = 'meanwhile requests go on with the last routes, and decisions freeze'
    return found.verdict === 'ok' ? found : { ...found, why: `${found.why}; ${meanwhile}` }
  })
}

export function checkPermissions({ installation }: ClusterFacts): Finding {
  const what = 'permissions'
  return about(what, installation.missingPermissions, (missing) => {
    if (isMissing(installation)) return warn(what, 'nothing is installed that needs any', INSTALL)
    if (missing.length === 0) return ok(what, 'the service accounts may do all that they need')
    const lacks = missing.map(
      ({ account, verb, permission }) =>
        `${account} may not ${verb} ${permission.resource}${permission.group === '' ? '' : `.${permission.group}`}`,
    )
    return fail(what, lacks.join('; '), 'apply the roles again: pilotlight install, or helm upgrade')
  })
}

export function checkGatewayService({ installation }: ClusterFacts): Finding {
  const what = "gateway's Service"
  const { gatewayService, config, namespace } = installation
  return about(what, gatewayService, (service) => {
    if (service === undefined) {
      return fail(what, `is not in namespace ${namespace}`, notInstalled(installation, 'gateway'))
    }
    const { name, type, readyEndpoints, externalAddresses } = service
    if (readyEndpoints === 0) {
      return fail(what, `${name} has no ready endpoint: nothing answers`, 'get the gateways ready, see above')
    }
    const has = `${name} (${type}) has ${readyEndpoints} ready ${readyEndpoints === 1 ? 'endpoint' : 'endpoints'}`
    if (externalAddresses.length > 0) return ok(what, `${has}, outside at ${externalAddresses.join(', ')}`)
    const isRouted =
      'value' in config && (config.value.parentRefs > 0 || config.value.ingressClassName !== undefined)
    if (isRouted) return ok(what, `${has}; from outside through HTTPRoutes or Ingresses`)
    return type === 'LoadBalancer'
      ? warn(
          what,
          `${has} and no address yet`,
          `see its events: kubectl -n ${namespace} describe service ${name}`,
        )
      : warn(
          what,
          `${has}; from outside the cluster nothing reaches it`,
          'gateway.service.type=LoadBalancer, gatewayApi.parentRefs or ingress.ingressClassName; or leave it if all callers are inside',
        )
  })
}

const INSTALL = 'pilotlight install, or say where it is with --install-namespace'

function isMissing({ deployments }: InstallationFacts): boolean {
  return 'value' in deployments && deployments.value.size === 0
}

/** Without a Deployment of gateways the controller's pod is both. */
function isSingle({ deployments }: InstallationFacts): boolean {
  return 'value' in deployments && deployments.value.has('controller') && !deployments.value.has('gateway')
}

function notInstalled({ deployments, namespace }: InstallationFacts, component: string): string {
  const deployment = 'value' in deployments ? deployments.value.get(component) : undefined
  return deployment === undefined
    ? INSTALL
    : `see why its Deployment makes none: kubectl -n ${namespace} describe deployment ${deployment.name}`
}

function readiness(what: string, pods: readonly PodFacts[], namespace: string): Finding {
  const ready = pods.filter(({ isReady }) => isReady)
  const count = `${ready.length} of ${pods.length} ready`
  const unready = pods.find(({ isReady }) => !isReady)
  if (unready === undefined) return ok(what, `${count} in namespace ${namespace}`)
  const why = `${count}; ${unready.name}: ${unready.reason}`
  const fix = `kubectl -n ${namespace} describe pod ${unready.name}`
  return ready.length === 0 ? fail(what, why, fix) : warn(what, why, fix)
}
