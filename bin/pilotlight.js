#!/usr/bin/env node
// Runs on any Node from 18 on, and only finds the one that can run Pilotlight: this one if it is new enough, else the
// one that the package `node` brings. Plain JavaScript without a dependency, because it runs before either is known.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const NODE_MAJOR_MIN = 24
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'src', 'cli', 'main.ts')
const main = existsSync(source) ? source : join(root, 'dist', 'src', 'cli', 'main.js')

if (!existsSync(main)) {
  fail(`${main} is missing: this installation is not complete`)
} else if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) {
  // Compiled code is kept between calls: a command is mostly start-up.
  nodeModule.enableCompileCache?.()
  process.argv[1] = main
  await import(pathToFileURL(main).href)
} else {
  const node = pinnedNode()
  if (node === undefined) {
    fail(
      `needs Node ${NODE_MAJOR_MIN} or newer, and this is ${process.version}. Install a newer Node, or beside pilotlight the package that brings one: npm install node@26`,
    )
  } else runOn(node)
}

/** The executable of the package `node`: beside this package's own modules, or beside this package. */
function pinnedNode() {
  const executable = process.platform === 'win32' ? 'node.exe' : 'node'
  for (let folder = root; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', 'node', 'bin', executable)
    if (existsSync(candidate)) return candidate
    if (dirname(folder) === folder) return undefined
  }
}

/** This process stands for the child: its signals go there, and its exit code or signal is the child's. */
function runOn(node) {
  const self = fileURLToPath(import.meta.url)
  // Nothing is written to the pipe: its end tells the child that this process is gone, SIGKILL included.
  const child = spawn(node, [self, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, PILOTLIGHT_WRAPPER_FD: '3' },
  })
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP']
  // Ctrl-C on a terminal reaches the child too: passed on it would arrive twice, and the second one means "at once".
  const onTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY)
  for (const signal of signals) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !onTerminal) child.kill(signal)
    })
  }
  child.once('error', (error) => fail(`cannot start ${node}: ${error.message}`))
  child.once('exit', (code, signal) => {
    if (signal === null) {
      process.exit(code ?? 1)
    }
    for (const each of signals) process.removeAllListeners(each)
    process.kill(process.pid, signal)
  })
}

function fail(message) {
  process.stderr.write(`pilotlight: ${message}\n`)
  process.exitCode = 1
}
