import type { GatewayProcessOptions } from '../gateway-process.ts'
import { HOST, type Proxy, type Site } from './proxy.ts'

/** As far as a real one would be limited, and never reached here: what is measured is its cost. */
const CONTAINER_CONCURRENCY = 10_000

async function startGateway(site: Site, path: GatewayProcessOptions['path']) {
  const options: GatewayProcessOptions = {
    path,
    port: site.port,
    services: [
      {
        host: HOST,
        containerConcurrency: CONTAINER_CONCURRENCY,
        protocol: site.caseName === 'grpc' ? 'h2c' : 'http/1.1',
        ports: [site.upstreamPort],
      },
    ],
  }
  const { child } = await site.processes.startScript(site.core, 'gateway-process.ts', options)
  return child
}

/** The gateway with routing, limits, metrics and reports, as `pilotlight up` composes it. */
export const pilotlight: Proxy = {
  name: 'pilotlight',
  start: (site) => startGateway(site, 'own'),
}

/** The same gateway on Fastify and http-proxy-3: what a service in Node is usually made of. */
export const httpProxy: Proxy = {
  name: 'http-proxy',
  lacks: (caseName) => (caseName === 'grpc' ? 'http-proxy has no HTTP/2' : undefined),
  start: (site) => startGateway(site, 'simple'),
}

/** Bytes from one socket to another, unread: no proxy in Node can be cheaper. */
export const pipe: Proxy = {
  name: 'pipe',
  start: async ({ processes, core, port, upstreamPort }) =>
    (await processes.startScript(core, 'peers/pipe-process.ts', { port, upstreamPort })).child,
}
