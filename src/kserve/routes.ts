import type { DesiredService } from '../core/desired.ts'
import { qualified } from '../core/names.ts'
import type { RevisionName } from '../core/names.ts'
import type { ComponentKind } from '../core/revision.ts'
import type { Route, SplitTarget } from '../core/route.ts'
import { clusterHosts, pathPrefix, publicHost, taggedName } from './urls.ts'
import type { UrlOptions } from './urls.ts'

/** What answers for one component: as the rollout decided it. */
export interface RoutedComponent {
  readonly kind: ComponentKind
  /** The component that answers; while a new name is not ready, still the one before it. */
  readonly name: string
  readonly split: readonly SplitTarget[]
  /** Revisions with a host of their own, by tag. */
  readonly tagged: readonly { readonly tag: string; readonly revision: RevisionName }[]
  /** Standard mode's canaries by component name, those that are ready. */
  readonly canaries: readonly { readonly name: string; readonly revision: RevisionName }[]
}

/** `sklearn-iris` and `predictor` give `sklearn-iris-predictor`: the host of a component, whatever its name. */
export function componentHostName(service: string, kind: ComponentKind): string {
  return `${service}-${kind}`
}

/**
 * Every route of a service: its own hosts (explain requests first, if there is an explainer), one route per
 * component, one per tag and one per canary. `entry` is the component that the service's own hosts lead to.
 */
export function routesOf(
  desired: DesiredService,
  routed: { readonly entry: ComponentKind; readonly components: readonly RoutedComponent[] },
  urls: UrlOptions,
): Route[] {
  const routes: Route[] = []
  const add = (
    name: string,
    names: readonly string[],
    rest: Pick<Route, 'component' | 'match' | 'split'>,
  ) => {
    routes.push({
      name: qualified(desired.namespace, name),
      service: qualified(desired.namespace, desired.name),
      ...addresses(desired, names, urls),
      ...rest,
      ...(desired.sticky === undefined ? {} : { sticky: desired.sticky }),
    })
  }
  for (const { kind, name, split, tagged, canaries } of routed.components) {
    const rest = { component: kind, match: 'all', split } as const
    if (kind === 'explainer') add(`${desired.name}-explain`, [desired.name], { ...rest, match: 'explain' })
    if (kind === routed.entry) add(desired.name, [desired.name], rest)
    const host = componentHostName(desired.name, kind)
    add(host, name === host ? [host] : [host, name], rest)
    for (const { tag, revision } of tagged) {
      const tagHost = taggedName(tag, host)
      add(tagHost, [tagHost], { ...rest, split: [{ revision, percent: 100, tag }] })
    }
    for (const canary of canaries) {
      add(canary.name, [canary.name], { ...rest, split: [{ revision: canary.revision, percent: 100 }] })
    }
  }
  return routes
}

/** A cluster-local service has no public host; its path form is for callers inside, too. */
function addresses(
  desired: DesiredService,
  names: readonly string[],
  urls: UrlOptions,
): Pick<Route, 'hosts' | 'pathPrefixes'> {
  const { namespace, clusterLocal } = desired
  return {
    hosts: names.flatMap((name) => [
      ...(clusterLocal ? [] : [publicHost(urls, name, namespace)]),
      ...clusterHosts(name, namespace),
    ]),
    pathPrefixes: names.flatMap((name) => pathPrefix(urls, name, namespace) ?? []),
  }
}
