import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { SystemClock } from '../../src/core/clock.ts'
import { silentLog } from '../../src/core/telemetry.ts'
import { endOrphans } from '../../src/local/guard-client.ts'
import { writeGroups } from '../../src/local/process-groups.ts'
import { startTimeOf } from '../../src/local/process-identity.ts'

const upSchema = z.object({ dir: z.string(), port: z.number() })

const LISTENER =
  "const s = require('net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))"

/** A connection that closes when the process behind it ends: what these tests wait for. */
async function connected(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port })
  await once(socket, 'connect')
  // A reset is an end as well, and the end is all that is asked for here.
  return socket.on('error', () => {}).resume()
}

/** Not `once`, which rejects where the end begins with a reset. */
function closeOf(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.on('close', resolve))
}

async function firstLine(stream: NodeJS.ReadableStream | null): Promise<string> {
  const [text] = await once(stream!.setEncoding('utf8'), 'data')
  return String(text).trim()
}

it('SIGKILL of the parent leaves neither the replica nor what the replica started', async () => {
  const script = fileURLToPath(new URL('../fixtures/local-up.ts', import.meta.url))
  const parent = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const { dir, port } = upSchema.parse(JSON.parse(await firstLine(parent.stdout)))
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/child`)
    const sockets = [await connected(port), await connected(Number(await answer.text()))]
    const closed = sockets.map(closeOf)
    parent.kill('SIGKILL')
    expect(await Promise.all(closed)).toHaveLength(2)
  } finally {
    parent.kill('SIGKILL')
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
})

it('the next start ends what a run left behind that was killed with its guard, and nothing else', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'pilotlight-orphans-'))
  const start = async () => {
    const child = spawn(process.execPath, ['-e', LISTENER], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const socket = await connected(Number(await firstLine(child.stdout)))
    return { child, socket }
  }
  const [ours, stranger] = await Promise.all([start(), start()])
  try {
    writeGroups(join(dir, 'process-groups.json'), [
      { pid: ours.child.pid!, startTime: startTimeOf(ours.child.pid!)! },
      // The same pid, but not the process that had it then.
      { pid: stranger.child.pid!, startTime: 'another time' },
    ])
    const closed = closeOf(ours.socket)
    await endOrphans(dir, new SystemClock(), silentLog)
    await closed
    expect(startTimeOf(stranger.child.pid!)).toBeDefined()
  } finally {
    stranger.child.kill('SIGKILL')
    await rm(dir, { recursive: true })
  }
})
