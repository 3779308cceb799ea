import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listening } from '../processes.ts'
import type { Proxy, Site } from './proxy.ts'

/** Writes a configuration of nginx as one process that keeps all it writes in `folder`; gives the file's path. */
export function nginxFile(folder: string, http: string): string {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((what) => `${what}_temp_path ${folder}/${what};`)
    .join(' ')
  writeFileSync(
    file,
    `daemon off; master_process off; worker_processes 1; error_log stderr error; pid ${folder}/nginx.pid;
events { worker_connections 16384; multi_accept on; }
http {
  access_log off; log_not_found off; sendfile on; server_tokens off;
  keepalive_requests 1000000000; keepalive_timeout 600s; client_max_body_size 0;
  ${temporary}
${http}
}
`,
  )
  return file
}

/**
 * Bodies stream in both directions, as through the others: by default nginx would keep a whole request body in a file
 * before it asks the upstream.
 */
function location({ caseName }: Site): string {
  if (caseName === 'grpc') return 'grpc_pass grpc://upstream;'
  const buffering = caseName === 'sse' ? 'proxy_buffering off;' : 'proxy_max_temp_file_size 0;'
  return `proxy_pass http://upstream; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_request_buffering off; ${buffering}`
}

/** nginx with `proxy_pass` (`grpc_pass`) and kept-alive connections to the upstream. */
export const nginx: Proxy = {
  name: 'nginx',
  async start(site) {
    const { core, processes, tools, port, upstreamPort, caseName } = site
    const folder = join(processes.folder, 'nginx')
    const file = nginxFile(
      folder,
      `
  upstream upstream { server 127.0.0.1:${upstreamPort}; keepalive 2048; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096${caseName === 'grpc' ? ' http2' : ''};
    location / {
      ${location(site)}
    }
  }`,
    )
    const child = processes.start(core, [tools('nginx'), '-p', folder, '-e', 'stderr', '-c', file])
    await listening(port, child)
    return child
  },
}
