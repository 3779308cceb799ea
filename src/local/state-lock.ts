import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startTimeOf } from './process-identity.ts'
import { codeOf } from './replica-failure.ts'

/** Somebody else works in this state folder. */
export class StateDirInUse extends Error {
  override readonly name = 'StateDirInUse'
}

/**
 * Takes a state folder for this process until disposed. A lock whose process has gone counts for nothing, even if
 * its pid was given to another one.
 * @throws StateDirInUse naming the folder and the process that has it.
 */
export function lockStateDir(stateDir: string): Disposable {
  mkdirSync(stateDir, { recursive: true })
  const path = join(stateDir, 'lock')
  const own = `${process.pid} ${startTimeOf(process.pid) ?? ''}`
  while (!tryCreate(path, own)) {
    const other = read(path)
    if (other === undefined) continue
    if (isAlive(other)) throw inUse(stateDir, other)
    // Moved before it is looked at again: of two that find it stale one moves it, and sees what it has moved.
    const aside = `${path}.${process.pid}`
    try {
      renameSync(path, aside)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') continue
      throw error
    }
    const moved = read(aside)
    if (moved !== other && moved !== undefined && isAlive(moved)) {
      renameSync(aside, path)
      throw inUse(stateDir, moved)
    }
    rmSync(aside, { force: true })
  }
  const release = (): void => {
    if (read(path) === own) rmSync(path, { force: true })
  }
  return { [Symbol.dispose]: release }
}

function tryCreate(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function isAlive(lock: string): boolean {
  const space = lock.indexOf(' ')
  const startTime = startTimeOf(Number(lock.slice(0, space)))
  return space > 0 && startTime !== undefined && startTime === lock.slice(space + 1)
}

function inUse(stateDir: string, lock: string): StateDirInUse {
  const [pid] = lock.split(' ')
  return new StateDirInUse(
    `${stateDir} is in use by process ${pid}; stop that one, or give this one another local.stateDir`,
  )
}
