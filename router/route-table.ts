import type { RevisionName } from '../src/core/names.ts'
import type { Route } from '../src/core/route.ts'
import { modelPlaces, modelIdOf } from './model-id.ts'
import { Split, type Cursor } from './split.ts'

/** What routing looks at of a request. */
export interface RequestHead {
  /** The Host header or `:authority`, as sent: a port and upper case are allowed. */
  readonly host: string
  /** Path and query, as sent: `/v1/models/iris:predict?x=1`. */
  readonly path: string
  /** One header's value by its lower-case name; undefined if absent. */
  header(name: string): string | undefined
}

export interface Match {
  readonly route: Route
  readonly revision: RevisionName
  /** What to ask the replica for: the path less the route's prefix. */
  readonly path: string
}

interface Entry {
  readonly route: Route
  readonly split: Split
}

/** Per host or path prefix: what explains, and what does the rest. */
interface Place {
  explain?: Entry
  all?: Entry
}

export interface RouteTableOptions {
  /** Where the splits of worker threads meet; undefined = the split of this route keeps its own place. */
  readonly cursorOf?: (route: Route) => Cursor | undefined
}

const EXPLAIN = /^\/v1\/models\/[\w-]+:explain$/

/** An immutable table: made anew for each change and swapped in one assignment. */
export class RouteTable {
  readonly #byHost = new Map<string, Place>()
  readonly #byPrefix = new Map<string, Place>()
  readonly #byName = new Map<string, Entry>()
  readonly #byModel: ReadonlyMap<string, Place>
  /** How many segments the path prefixes have, most first: `/serving/ns/name` has 3. */
  readonly #prefixDepths: readonly number[]

  /** @param previous the table before: a split that stays the same goes on where it was. */
  constructor(routes: readonly Route[], previous?: RouteTable, options: RouteTableOptions = {}) {
    const depths = new Set<number>()
    for (const route of routes) {
      if (route.split.length === 0) continue
      const before = previous === undefined ? undefined : previous.#byName.get(routeKey(route))
      const split =
        before !== undefined && before.split.equals(route.split)
          ? before.split
          : new Split(route.split, options.cursorOf?.(route))
      const entry: Entry = { route, split }
      this.#byName.set(routeKey(route), entry)
      for (const host of route.hosts) put(this.#byHost, host, entry)
      for (const prefix of route.pathPrefixes) {
        put(this.#byPrefix, prefix, entry)
        depths.add(prefix.split('/').length - 1)
      }
    }
    this.#prefixDepths = [...depths].sort((a, b) => b - a)
    this.#byModel = modelPlaces(routes, (route) => {
      const entry = this.#byName.get(routeKey(route))
      return entry === undefined ? undefined : { all: entry }
    })
  }

  get size(): number {
    return this.#byName.size
  }

  /** The revision that answers this request; undefined where no route does. */
  match(head: RequestHead): Match | undefined {
    const byHost = this.#byHost.get(hostOf(head.host))
    if (byHost !== undefined) return pick(byHost, head, head.path)
    for (const depth of this.#prefixDepths) {
      const prefixLength = prefixLengthOf(head.path, depth)
      if (prefixLength < 0) continue
      const place = this.#byPrefix.get(head.path.slice(0, prefixLength))
      if (place === undefined) continue
      const rest = head.path.slice(prefixLength)
      return pick(place, head, rest.startsWith('/') ? rest : `/${rest}`)
    }
    const model = modelIdOf(head)
    const byModel = model === undefined ? undefined : this.#byModel.get(model)
    return byModel === undefined ? undefined : pick(byModel, head, head.path)
  }
}

/** What a route is known by from one table to the next. */
export function routeKey(route: Route): string {
  return `${route.name}#${route.match}`
}

function put(places: Map<string, Place>, key: string, entry: Entry): void {
  let place = places.get(key)
  if (place === undefined) places.set(key, (place = {}))
  // The first route of a host keeps it: two services never share a host by accident of order.
  place[entry.route.match] ??= entry
}

function pick(place: Place, head: RequestHead, path: string): Match | undefined {
  const entry = place.explain !== undefined && EXPLAIN.test(pathOnly(path)) ? place.explain : place.all
  if (entry === undefined) return undefined
  const key = stickyKey(entry.route, head)
  const target = key === undefined ? entry.split.pick() : entry.split.pickFor(key)
  return { route: entry.route, revision: target.revision, path }
}

function pathOnly(path: string): string {
  const query = path.indexOf('?')
  return query < 0 ? path : path.slice(0, query)
}

/** The host without its port, in lower case and without a trailing dot; an IPv6 literal keeps its brackets. */
function hostOf(host: string): string {
  const end = host.startsWith('[') ? host.indexOf(']') + 1 : host.indexOf(':')
  let bare = end > 0 ? host.slice(0, end) : host
  if (bare.endsWith('.')) bare = bare.slice(0, -1)
  return bare.toLowerCase()
}

/** Where the first `depth` segments of the path end; -1 if it has fewer. */
function prefixLengthOf(path: string, depth: number): number {
  if (path.charCodeAt(0) !== SLASH) return -1
  let seen = 0
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at)
    if (code === QUESTION_MARK) return seen === depth ? at : -1
    if (code === SLASH && seen++ === depth) return at
  }
  return seen === depth ? path.length : -1
}

const SLASH = 0x2f
const QUESTION_MARK = 0x3f

function stickyKey(route: Route, head: RequestHead): string | undefined {
  if (route.sticky === undefined) return undefined
  if (route.sticky.from === 'header') return head.header(route.sticky.name.toLowerCase())
  const cookies = head.header('cookie')
  if (cookies === undefined) return undefined
  const wanted = `${route.sticky.name}=`
  for (const cookie of cookies.split(';')) {
    const trimmed = cookie.trim()
    if (trimmed.startsWith(wanted)) return trimmed.slice(wanted.length)
  }
  return undefined
}
