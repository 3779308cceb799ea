import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { nginxFile } from '../peers/nginx.ts'
import { listening, type Child, type Processes } from '../processes.ts'
import type { Tools } from '../tools.ts'

/** 60 bytes, as a model would say it. */
export const SMALL_ANSWER = '{"model_name":"iris","predictions":[0,1,2],"version":"0001"}'
/** The body of the answer to a 100 KB request. */
export const BIG_ANSWER_BYTES = 102_400
/** A gRPC message: not compressed, 12 bytes, then the bytes. Request and answer. */
export const GRPC_MESSAGE = Buffer.from('\u0000\u0000\u0000\u0000\u000chello, world', 'latin1')
export const GRPC_PATH = '/bench.Echo/Unary'

/**
 * nginx as the upstream, one worker:
 * - `/small` answers by itself
 * - `/echo` reads the whole body (which is what `mirror` does first), then answers with a file of 100 KB
 * - on the other port, HTTP/2: a gRPC answer with its status in trailers, again once the whole call was read
 */
export async function startNginxUpstream(
  processes: Processes,
  tools: Tools,
  core: number,
): Promise<{ readonly child: Child; readonly port: number; readonly grpcPort: number }> {
  const root = join(processes.folder, 'upstream')
  // A static file refuses POST, and `error_page` makes the answer of it; without a file it would be a 404.
  mkdirSync(join(root, 'bench.Echo'), { recursive: true })
  writeFileSync(join(root, 'echo'), '')
  writeFileSync(join(root, GRPC_PATH), '')
  writeFileSync(join(root, 'big'), 'y'.repeat(BIG_ANSWER_BYTES))
  writeFileSync(join(root, 'grpc-answer'), GRPC_MESSAGE)
  const port = await freePort()
  const grpcPort = await freePort()
  const file = nginxFile(
    root,
    `
  open_file_cache max=10;
  client_body_buffer_size 256k;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${root};
    location = /small { default_type application/json; return 200 '${SMALL_ANSWER}'; }
    location = /echo { mirror /none; error_page 405 =200 /big; }
    location = /big { internal; default_type application/octet-stream; }
    location = /none { internal; return 204; }
  }
  server {
    listen 127.0.0.1:${grpcPort} http2 backlog=4096;
    http2_max_concurrent_streams 1024;
    root ${root};
    location / { mirror /none; error_page 405 =200 /grpc-answer; }
    # Head and message in one write: sendfile would make two, and the second would wait for the first's acknowledgement.
    location = /grpc-answer { internal; sendfile off; etag off; default_type application/grpc; add_trailer grpc-status 0 always; }
    location = /none { internal; return 204; }
  }`,
  )
  const child = processes.start(core, [tools('nginx'), '-p', root, '-e', 'stderr', '-c', file])
  await listening(port, child)
  await listening(grpcPort, child)
  return { child, port, grpcPort }
}
