import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listening } from '../processes.ts'
import type { Proxy } from './proxy.ts'

/** HAProxy with one thread that shares its connections to the upstream among all clients. */
export const haproxy: Proxy = {
  name: 'haproxy',
  async start({ core, processes, tools, port, upstreamPort, caseName }) {
    const file = join(processes.folder, 'haproxy.cfg')
    const protocol = caseName === 'grpc' ? ' proto h2' : ''
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn 8000
  tune.h2.max-concurrent-streams 1024
defaults
  mode http
  http-reuse always
  option http-no-delay
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout http-keep-alive 600s
frontend clients
  bind 127.0.0.1:${port} backlog 4096${protocol}
  default_backend upstream
backend upstream
  server one 127.0.0.1:${upstreamPort}${protocol} pool-max-conn 4096
`,
    )
    const child = processes.start(core, [tools('haproxy'), '-db', '-q', '-f', file])
    await listening(port, child)
    return child
  },
}
