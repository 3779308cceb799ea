import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SystemClock } from '../../../src/core/clock.ts'

/**
 * Every component runs in a control group of its own, which its descendants cannot leave: ending the group ends a
 * node with all containers that it runs, also after a crash in which the list of processes was lost. Nothing is limited.
 */
const clock = new SystemClock()
const EMPTY_WITHIN_MS = 10_000

interface Hierarchy {
  readonly folder: string
  readonly isUnified: boolean
  readonly controllers: readonly string[]
}

/** Where control groups are mounted: one unified hierarchy, one for each controller, or both. */
function hierarchies(): Hierarchy[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , type]) => type === 'cgroup2' || type === 'cgroup')
    .map(([, folder = '', type, options = '']) => ({
      folder,
      isUnified: type === 'cgroup2',
      controllers: options.split(','),
    }))
}

/** The hierarchy whose groups name the processes of a bed. */
function tracking(): string {
  const all = hierarchies()
  const found =
    all.find(({ isUnified }) => isUnified) ?? all.find(({ controllers }) => controllers.includes('pids'))
  if (found === undefined) {
    throw new Error('no control groups: neither cgroup2 nor the pids hierarchy is mounted')
  }
  return found.folder
}

/** `node:gpu-a` of the bed `pilotlight-1f3a9c0b` has `/pilotlight-1f3a9c0b/node-gpu-a` in every hierarchy. */
function pathOf(bed: string, component: string): string {
  return join(bed, component.replace(':', '-'))
}

/** A folder whose `cgroup.procs` takes the component's own process; it is beside those of the containers that it makes. */
export function makeCgroup(bed: string, component: string): string {
  const folder = join(tracking(), pathOf(bed, component), 'own')
  mkdirSync(folder, { recursive: true })
  return folder
}

/** A group for containers, in every hierarchy and with every controller, as a kubelet wants it. Gives its path in them. */
export function makeContainersCgroup(bed: string, component: string): string {
  const path = join(pathOf(bed, component), 'containers')
  for (const { folder, isUnified, controllers } of hierarchies()) {
    mkdirSync(join(folder, path), { recursive: true })
    const parts = path.split('/')
    const levels = parts.map((_, i) => join(folder, ...parts.slice(0, i + 1)))
    if (isUnified) for (const level of [folder, ...levels.slice(0, -1)]) passControllersOn(level)
    // A new group of this controller has no processor and no memory until it is told.
    if (controllers.includes('cpuset')) for (const level of levels) copyCpuset(folder, level)
  }
  return `/${path}`
}

function passControllersOn(folder: string): void {
  const controllers = readFileSync(join(folder, 'cgroup.controllers'), 'utf8').split(/\s+/).filter(Boolean)
  const wanted = controllers.map((name) => `+${name}`).join(' ')
  if (wanted !== '') writeFileSync(join(folder, 'cgroup.subtree_control'), wanted)
}

function copyCpuset(from: string, to: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    writeFileSync(join(to, file), readFileSync(join(from, file)))
  }
}

function processesOf(folder: string): number[] {
  return readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
}

function foldersUnder(folder: string): string[] {
  if (!existsSync(folder)) return []
  const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return [...children.flatMap(({ name }) => foldersUnder(join(folder, name))), folder]
}

/** Kills all processes of a component, or of the whole bed, and removes the group. */
export async function killCgroup(bed: string, component = ''): Promise<void> {
  const deadlineMs = clock.now() + EMPTY_WITHIN_MS
  for (;;) {
    const path = pathOf(bed, component)
    for (const pid of foldersUnder(join(tracking(), path)).flatMap(processesOf)) kill(pid)
    const folders = hierarchies().flatMap(({ folder }) => foldersUnder(join(folder, path)))
    if (folders.map(isRemoved).every(Boolean)) return
    if (clock.now() > deadlineMs) throw new Error(`the processes of ${bed} ${component} cannot be killed`)
    await clock.sleep(5)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!isCode(error, 'ESRCH')) throw error
  }
}

/** A group whose last process is still on its way out cannot be removed yet. */
function isRemoved(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    if (isCode(error, 'ENOENT')) return true
    if (isCode(error, 'EBUSY') || isCode(error, 'ENOTEMPTY')) return false
    throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
