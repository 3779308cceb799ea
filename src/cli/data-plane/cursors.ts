import { routeKey } from '../../../router/index.ts'
import type { Route } from '../../core/route.ts'
import { sameItems } from '../../gateway/index.ts'

/** Far more routes than are planned for; pages that nobody touched cost nothing. */
const ROUTES_MAX = 65_536

/** Which place of the shared memory counts the picks of which route; a route keeps its place while it lives. */
export class Cursors {
  readonly memory = new Int32Array(new SharedArrayBuffer(ROUTES_MAX * Int32Array.BYTES_PER_ELEMENT))
  #places = new Map<string, number>()
  #routes: readonly Route[] = []
  readonly #free: number[] = []
  #used = 0

  /** The places of these routes, by routeKey; of routes beyond what there is room for each thread counts its own. */
  of(routes: readonly Route[]): ReadonlyMap<string, number> {
    if (sameItems(routes, this.#routes)) return this.#places
    this.#routes = routes
    const places = new Map<string, number>()
    for (const route of routes) {
      const key = routeKey(route)
      const place = this.#places.get(key) ?? this.#take()
      if (place !== undefined) places.set(key, place)
    }
    for (const [key, place] of this.#places) if (!places.has(key)) this.#free.push(place)
    this.#places = places
    return places
  }

  #take(): number | undefined {
    return this.#free.pop() ?? (this.#used < ROUTES_MAX ? this.#used++ : undefined)
  }
}
