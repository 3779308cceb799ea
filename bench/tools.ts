import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Programs that the benchmarks compare with or load with, and the Debian package of each. */
const PACKAGES = {
  nginx: 'nginx-light',
  haproxy: 'haproxy',
  wrk: 'wrk',
  h2load: 'nghttp2-client',
  taskset: 'util-linux',
  setpriv: 'util-linux',
} as const

export type ToolName = keyof typeof PACKAGES
export type Tools = (name: ToolName) => string

/**
 * Paths of the programs. What is missing is installed where apt-get can be used by this user.
 * @throws Error that says what to install.
 */
export function findTools(names: readonly ToolName[]): Tools {
  const missing = names.filter((name) => pathOf(name) === undefined)
  if (missing.length > 0) install([...new Set(missing.map((name) => PACKAGES[name]))])
  return (name) => {
    const path = pathOf(name)
    if (path === undefined) throw new Error(`${name} is missing: install the package ${PACKAGES[name]}`)
    return path
  }
}

function pathOf(name: string): string | undefined {
  // The servers among them stand in sbin, which the PATH of a user often leaves out.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin']
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

function install(packages: readonly string[]): void {
  const line = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
  if (process.getuid?.() !== 0 || pathOf('apt-get') === undefined)
    throw new Error(`missing: ${packages.join(', ')}. On Debian or Ubuntu: sudo ${line}`)
  process.stderr.write(`Installing ${packages.join(', ')} (once) ...\n`)
  const apt = (...args: string[]): boolean =>
    spawnSync('apt-get', args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      // Run level 1: a server's package does not start its service.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    }).status === 0
  const args = ['install', '-y', '-q', '--no-install-recommends', ...packages]
  if (!apt(...args) && !(apt('update', '-q') && apt(...args))) throw new Error(`could not install: ${line}`)
}
