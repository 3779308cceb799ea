import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Tools that take minutes to build are built once per machine, under `PILOTLIGHT_CACHE` (`~/.cache/pilotlight`):
 *
 *     interop/grpc-tools/          what the build left
 *     interop/grpc-tools/.stamp    what it was built from, written last: without it the build is done again
 *     interop/grpc-tools.lock      held while it is built
 *     interop/grpc-tools.log       what the last build wrote
 */
export interface Tool {
  readonly name: string
  /** Everything that the result depends on: versions, flags, the contents of pinned lists. */
  readonly version: string
  /** How long it takes from nothing, for the line that says so. */
  readonly buildSeconds: number
  build(folder: string, log: string): Promise<void>
}

export const cacheFolder = join(
  process.env['PILOTLIGHT_CACHE'] ?? join(homedir(), '.cache', 'pilotlight'),
  'interop',
)

export function folderOf(tool: Tool): string {
  return join(cacheFolder, tool.name)
}

/** Makes sure that the tool is there in its version, and returns its folder. Two runs at once build it once. */
export async function provide(tool: Tool): Promise<string> {
  const folder = folderOf(tool)
  const stamp = join(folder, '.stamp')
  const version = createHash('sha256').update(tool.version).digest('hex')
  const isBuilt = (): boolean => existsSync(stamp) && readFileSync(stamp, 'utf8') === version
  if (isBuilt()) return folder
  mkdirSync(cacheFolder, { recursive: true })
  await using _lock = await lock(`${folder}.lock`)
  if (isBuilt()) return folder
  console.log(`building ${tool.name}, once (about ${tool.buildSeconds} s) in ${folder}`)
  const log = `${folder}.log`
  writeFileSync(log, '')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  await tool.build(folder, log)
  writeFileSync(stamp, version)
  return folder
}

/**
 * flock(1) holds the lock and lets it go when its standard input ends: also when this process dies, so that no lock is
 * ever left behind.
 */
export async function lock(file: string): Promise<AsyncDisposable> {
  const holder = spawn('flock', ['--exclusive', file, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const closed = once(holder, 'close')
  const held = await Promise.race([once(holder.stdout, 'data').then(() => true), closed.then(() => false)])
  if (!held) throw new Error(`flock could not lock ${file}`)
  return {
    async [Symbol.asyncDispose]() {
      holder.stdin.end()
      await closed
    },
  }
}
