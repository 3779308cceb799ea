import { split } from '../src/core/names.ts'
import type { Route } from '../src/core/route.ts'

/**
 * The service that a call's metadata names, as clients of ModelMesh do: the virtual model goes before the model.
 * gRPC clients that know one address for all models send these instead of an authority of the service's own.
 */
export function modelIdOf(head: { header(name: string): string | undefined }): string | undefined {
  return head.header('mm-vmodel-id') ?? head.header('mm-model-id')
}

/**
 * The entry of each service, the route that answers its own hosts, by `namespace/name` and by bare name. A bare name
 * that several namespaces have means the one of the namespace `default`, and none where that has none: a guess would
 * give one team's requests to another.
 */
export function modelPlaces<P>(
  routes: readonly Route[],
  placeOf: (route: Route) => P | undefined,
): ReadonlyMap<string, P> {
  const places = new Map<string, P>()
  const byBareName = new Map<string, Route[]>()
  for (const route of routes) {
    if (route.name !== route.service || route.match !== 'all') continue
    const place = placeOf(route)
    if (place !== undefined) places.set(route.service, place)
    // Also those that cannot answer yet, or a name would change its meaning when they can.
    const { name } = split(route.service)
    const sameName = byBareName.get(name)
    if (sameName === undefined) byBareName.set(name, [route])
    else sameName.push(route)
  }
  for (const [name, sameName] of byBareName) {
    const meant = sameName.length === 1 ? sameName[0] : sameName.find(isOfDefault)
    const place = meant === undefined ? undefined : placeOf(meant)
    if (place !== undefined) places.set(name, place)
  }
  return places
}

function isOfDefault(route: Route): boolean {
  return split(route.service).namespace === 'default'
}
