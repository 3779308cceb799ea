import type { CaseName } from '../cases.ts'
import type { Child, Processes } from '../processes.ts'
import type { Tools } from '../tools.ts'

/** What clients call the service. */
export const HOST = 'model.bench.localhost'

/** Where a proxy is to stand. */
export interface Site {
  readonly caseName: CaseName
  /** Where it listens, on 127.0.0.1. */
  readonly port: number
  readonly upstreamPort: number
  readonly core: number
  readonly processes: Processes
  readonly tools: Tools
}

/** One process between clients and the upstream of a case. */
export interface Proxy {
  readonly name: ProxyName
  /** Why it cannot take part in a case; undefined if it can. */
  readonly lacks?: (caseName: CaseName) => string | undefined
  /** Resolves once it listens. */
  start(site: Site): Promise<Child>
}

export const PROXY_NAMES = ['nginx', 'haproxy', 'pipe', 'http-proxy', 'pilotlight'] as const
export type ProxyName = (typeof PROXY_NAMES)[number]
