/**
 * The guard: a small process of its own session that outlives `pilotlight up` by a moment. It hears on stdin which
 * process groups run (`add 123`, `remove 123`). When stdin ends, the parent has gone, however that happened, and
 * the guard ends what it left behind. It writes the groups to a file as well, for the case that both are killed.
 *
 * Its arguments: the path of that file, and the milliseconds from SIGTERM to SIGKILL.
 */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { SystemClock } from '../core/clock.ts'
import { endGroups, writeGroups } from './process-groups.ts'
import { startTimeOf } from './process-identity.ts'

const [, , groupsPath, graceText] = process.argv
if (groupsPath === undefined || graceText === undefined) throw new Error('usage: guard <file> <grace ms>')

const groups = new Map<number, string>()
const keep = (): void => {
  // A state folder that was deleted meanwhile is not to come back.
  if (!existsSync(dirname(groupsPath))) return
  try {
    writeGroups(
      groupsPath,
      [...groups].map(([pid, startTime]) => ({ pid, startTime })),
    )
  } catch {
    // A full disk takes away the second net, not the first.
  }
}

// Whoever ends everything of this user in order, ends the parent too, and that is when there is work to do.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

let isKeepDue = false
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, pidText] = line.split(' ')
  const pid = Number(pidText)
  if (verb === 'add') {
    const startTime = startTimeOf(pid)
    if (startTime !== undefined) groups.set(pid, startTime)
  } else {
    groups.delete(pid)
  }
  // Many changes of one turn are one write.
  if (!isKeepDue) {
    isKeepDue = true
    setImmediate(() => {
      isKeepDue = false
      keep()
    })
  }
}

await endGroups(
  [...groups].map(([pid, startTime]) => ({ pid, startTime })),
  Number(graceText),
  new SystemClock(),
)
groups.clear()
keep()
