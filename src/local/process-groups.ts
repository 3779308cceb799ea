import { z } from 'zod'
import type { Clock } from '../core/clock.ts'
import { readStateSync, writeFileAtomicSync } from './files.ts'
import { liveGroupIds, startTimeOf } from './process-identity.ts'
import { codeOf } from './replica-failure.ts'

/** A process group that is ours: the pid of its first process, and when that began. */
export interface ProcessGroup {
  readonly pid: number
  readonly startTime: string
}

const LOOK_AGAIN_MS = 25

/** Ends groups: SIGTERM, and SIGKILL to those that are still there after `graceMs`. Resolves when all have gone. */
export async function endGroups(
  groups: readonly ProcessGroup[],
  graceMs: number,
  clock: Clock,
): Promise<void> {
  let left = groups.filter(isOurs)
  for (const { pid } of left) signalGroup(pid, 'SIGTERM')
  const killAtMs = clock.now() + graceMs
  while (left.length > 0 && clock.now() < killAtMs) {
    await clock.sleep(LOOK_AGAIN_MS)
    left = left.filter(isOurs)
  }
  for (const { pid } of left) signalGroup(pid, 'SIGKILL')
}

/**
 * Provably ours: its first process is the one that we started. Where that one has gone but others of the group are
 * left, they are ours too, since a system gives no pid to a new process while a group has that number.
 */
function isOurs(group: ProcessGroup): boolean {
  const startTime = startTimeOf(group.pid)
  if (startTime !== undefined) return startTime === group.startTime
  return process.platform === 'linux' ? hasLiveMember(group.pid) : exists(group.pid)
}

function exists(pid: number): boolean {
  try {
    process.kill(-pid, 0)
    return true
  } catch (error) {
    if (codeOf(error) === 'ESRCH' || codeOf(error) === 'EPERM') return false
    throw error
  }
}

/** Without its first process a group may consist of unreaped processes only, which answer kill(0) for ever. */
function hasLiveMember(pid: number): boolean {
  return exists(pid) && liveGroupIds().has(pid)
}

/** Sends a signal to a process group; one that is gone already is what was wanted. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // macOS answers EPERM for a group of which only unreaped processes are left.
    if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EPERM') throw error
  }
}

// A pid of 1 or less would mean everything.
const groupsSchema = z.array(z.strictObject({ pid: z.int().min(2), startTime: z.string() }))

/** The groups that a run of which nothing else is left may have left behind, as its guard wrote them down. */
export function readGroups(path: string, onCorrupt: (message: string) => void): readonly ProcessGroup[] {
  return readStateSync(path, groupsSchema, onCorrupt) ?? []
}

export function writeGroups(path: string, groups: readonly ProcessGroup[]): void {
  writeFileAtomicSync(path, JSON.stringify(groups))
}
