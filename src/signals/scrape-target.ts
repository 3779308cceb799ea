import type { Address } from '../core/replica.ts'
import type { ContainerPort } from '../core/revision.ts'
import { mainPort } from '../core/transport.ts'
import type { EngineName } from './engine-spec.ts'
import { engineSpec } from './engines.ts'

/** What is known of one replica. */
export interface ScrapeSource {
  /** Of the pod, or of the service where replicas are processes. */
  readonly annotations?: Readonly<Record<string, string>>
  readonly engine?: EngineName | undefined
  /** Those that the container declares. */
  readonly ports?: readonly ContainerPort[]
  /** Where the replica takes requests. */
  readonly address: Address
  /** Whether TLS is spoken there. */
  readonly tls?: boolean
}

/** Where a replica's metrics are, and what says so. */
export interface ScrapeTarget {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  /** With its query, if it has one. */
  readonly path: string
  readonly portFrom: string
  readonly pathFrom: string
}

const PREFIXES = ['prometheus.kserve.io/', 'prometheus.io/']
const METRICS_PORT = /(?:^|-)(?:metrics|prometheus)$/

interface Said {
  readonly key: string
  readonly value: string
}

/**
 * Where a replica's metrics are. The port: an annotation; a port that the container calls `metrics`; the engine's port
 * for metrics, if it has one apart; else the one that takes requests. A port that the container declares for requests
 * is where the replica takes them, which in a process of this machine is another number. The path: an annotation, the
 * engine's, `/metrics`. `prometheus.io/scrape` is for Prometheus servers, and no matter here.
 * @returns the target, or what is wrong with an annotation and what is allowed.
 */
export function scrapeTarget(source: ScrapeSource): ScrapeTarget | { readonly problem: string } {
  const port = portOf(source)
  if ('problem' in port) return port
  const path = pathOf(source)
  if ('problem' in path) return path
  const scheme = schemeOf(source, port.port)
  if (typeof scheme === 'object') return scheme
  return { scheme, host: source.address.host, ...port, ...path }
}

/** The address of a target, for a request or a message. */
export function urlOf({ scheme, host, port, path }: ScrapeTarget): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`
}

function said(source: ScrapeSource, name: string): Said | undefined {
  for (const prefix of PREFIXES) {
    const key = prefix + name
    const value = source.annotations?.[key]
    if (value !== undefined && value !== '') return { key, value }
  }
  return undefined
}

function portOf(
  source: ScrapeSource,
): { readonly port: number; readonly portFrom: string } | { readonly problem: string } {
  const { address, ports = [], engine } = source
  const annotated = said(source, 'port')
  if (annotated !== undefined) {
    const port = /^\d{1,5}$/.test(annotated.value) ? Number(annotated.value) : 0
    if (port < 1 || port > 65_535) {
      return {
        problem: `${annotated.key} is ${JSON.stringify(annotated.value)}; a port from 1 to 65535 is allowed`,
      }
    }
    const isMain = port === mainPort({ ports })?.containerPort
    return { port: isMain ? address.port : port, portFrom: annotated.key }
  }
  const named = ports.find(({ name = '' }) => METRICS_PORT.test(name))
  // A container that declares this one alone takes requests there, too.
  if (named !== undefined && named !== mainPort({ ports })) {
    return { port: named.containerPort, portFrom: `port ${named.name}` }
  }
  const spec = engine === undefined ? undefined : engineSpec(engine)
  if (spec?.metrics.apart === true) return { port: spec.metrics.port, portFrom: spec.title }
  return { port: address.port, portFrom: 'requests' }
}

function pathOf(
  source: ScrapeSource,
): { readonly path: string; readonly pathFrom: string } | { readonly problem: string } {
  const annotated = said(source, 'path')
  if (annotated !== undefined) {
    if (/^\/[\u0021-\u007e]*$/.test(annotated.value))
      return { path: annotated.value, pathFrom: annotated.key }
    return {
      problem: `${annotated.key} is ${JSON.stringify(annotated.value)}; a path that begins with / is allowed, without blanks`,
    }
  }
  if (source.engine === undefined) return { path: '/metrics', pathFrom: 'default' }
  const { metrics, title } = engineSpec(source.engine)
  return { path: metrics.path, pathFrom: title }
}

function schemeOf(source: ScrapeSource, port: number): 'http' | 'https' | { readonly problem: string } {
  const annotated = said(source, 'scheme')
  if (annotated === undefined) return source.tls === true && port === source.address.port ? 'https' : 'http'
  const scheme = annotated.value.toLowerCase()
  if (scheme === 'http' || scheme === 'https') return scheme
  return { problem: `${annotated.key} is ${JSON.stringify(annotated.value)}; http and https are allowed` }
}
