// Makes `npm run demo` and `npm test` work on a fresh machine with only Node and npm: installs what
// package-lock.json says, once, and again when that file changes. Runs on whatever Node is there.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, 'node_modules', '.installed-lock')
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')

const isInstalled =
  existsSync(join(root, 'node_modules', 'node', 'bin', 'node')) &&
  existsSync(stamp) &&
  readFileSync(stamp, 'utf8') === lock

if (!isInstalled) {
  console.error('Installing dependencies (once) ...')
  const npm = process.env.npm_execpath
  const command = npm === undefined ? 'npm' : process.execPath
  const args = [...(npm === undefined ? [] : [npm]), 'ci', '--no-audit', '--no-fund', '--loglevel=error']
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (error !== undefined || status !== 0) {
    console.error(`npm ci failed${error === undefined ? ` with exit code ${status}` : `: ${error.message}`}`)
    process.exit(1)
  }
  writeFileSync(stamp, lock)
}
