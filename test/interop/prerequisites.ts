import { existsSync, readFileSync } from 'node:fs'
import { run } from './command.ts'

/** Programs of the machine that the tools are built and run with. */
export type Program = 'go' | 'cmake' | 'c++' | 'make' | 'python3' | 'openssl' | 'flock'

/** Where Go's own archive puts it: machines have it there without having it on the PATH. */
const GO_HOME = '/usr/local/go/bin/go'

const goWanted = /^go (\d+\.\d+)/m.exec(readFileSync(new URL('./go/go.mod', import.meta.url), 'utf8'))?.[1]

/** What of `programs` is missing or too old, with how to get it, a line each. */
export async function missing(programs: Iterable<Program>): Promise<string[]> {
  const lines: string[] = []
  for (const program of new Set(programs)) {
    const no = await whyNot(program)
    if (no !== undefined) lines.push(`${program}: ${no}`)
  }
  return lines
}

/** The go command: that of the PATH, else Go's own place. */
export async function goCommand(): Promise<string> {
  return (await works('go', ['version'])) || !existsSync(GO_HOME) ? 'go' : GO_HOME
}

async function whyNot(program: Program): Promise<string | undefined> {
  switch (program) {
    case 'go':
      return whyNotGo()
    case 'python3':
      return (await works('python3', ['-c', 'import ensurepip, venv']))
        ? undefined
        : 'not found, or without venv; apt-get install python3 python3-venv'
    case 'cmake':
    case 'make':
    case 'openssl':
      return (await works(program, [program === 'openssl' ? 'version' : '--version']))
        ? undefined
        : `not found; apt-get install ${program}`
    case 'c++':
      return (await works('c++', ['--version'])) ? undefined : 'not found; apt-get install g++'
    case 'flock':
      return (await works('flock', ['--version'])) ? undefined : 'not found; apt-get install util-linux'
    default:
      return program satisfies never
  }
}

async function whyNotGo(): Promise<string | undefined> {
  const go = await goCommand()
  const wanted = `Go ${goWanted} or newer is needed: install it from go.dev/dl in /usr/local/go, or put it on the PATH`
  const version = await run(go, ['env', 'GOVERSION'], { env: { GOTOOLCHAIN: 'local' } }).catch(
    () => undefined,
  )
  if (version === undefined || version.code !== 0) {
    return `not found on the PATH nor as ${GO_HOME}; ${wanted} (the package golang-go of Debian 12 is too old)`
  }
  const [, major = '0', minor = '0'] = /go(\d+)\.(\d+)/.exec(version.stdout) ?? []
  const [majorWanted, minorWanted] = (goWanted ?? '0.0').split('.').map(Number)
  const isEnough =
    Number(major) > majorWanted! || (Number(major) === majorWanted && Number(minor) >= minorWanted!)
  return isEnough ? undefined : `${go} is ${version.stdout.trim()}; ${wanted}`
}

async function works(file: string, args: readonly string[]): Promise<boolean> {
  const ended = await run(file, args).catch(() => undefined)
  return ended?.code === 0
}
