import { text } from 'node:stream/consumers'
import { SystemClock } from '../core/clock.ts'
import type { Io } from './io.ts'
import { run } from './program.ts'
import { readVersion } from './version.ts'
import { watchWrapper } from './wrapper.ts'

/** The process behind `bin/pilotlight.js`. */

// `pilotlight get isvc | head -1`: the reader has enough, which is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

const io: Io = {
  out: (written) => void process.stdout.write(written),
  err: (written) => void process.stderr.write(written),
  readStdin: () => text(process.stdin),
  errIsTty: process.stderr.isTTY,
  env: process.env,
  cwd: process.cwd(),
  clock: new SystemClock(),
  // Commands end as the signal ends them; only `up` has something to put in order, and listens itself.
  signal: new AbortController().signal,
}

process.exitCode = await run(process.argv.slice(2), io, readVersion(), {
  up: async (options) => {
    using _wrapper = watchWrapper(process.env, () => process.kill(process.pid, 'SIGTERM'))
    // It is about this process only: replicas must not believe that the pipe is theirs.
    delete process.env['PILOTLIGHT_WRAPPER_FD']
    const { up } = await import('./up.ts')
    await up(options)
  },
  cluster: {
    gateway: async (options) => (await import('./roles/gateway.ts')).gateway(options),
    controller: async (options) => (await import('./roles/controller.ts')).controller(options),
    single: async (options) => (await import('./roles/single.ts')).single(options),
  },
  explainFiles: async () => (await import('../control/explain.ts')).explainFiles,
})
