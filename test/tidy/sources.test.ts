import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bareCodeOf, filesUnder, importsOf, isTest, productFiles, root, textOf } from './repository.ts'

const LINES_MAX = 350

const TIME =
  /(?<![.\w#])(?:globalThis\.)?(?:setTimeout|setInterval|performance|Date)\b(?!\s*:)|\bAbortSignal\.timeout\b|\bhrtime\b/
const TIME_MODULES = /^(?:node:)?(?:timers|timers\/promises|perf_hooks)$/

/** Folders that others import as a whole. */
const WITH_INDEX = [
  'router',
  'activator',
  'autoscaler',
  'src/kserve',
  'src/readiness',
  'src/bus',
  'src/signals',
]

/**
 * Product files that no product file imports, with who does: programs are started, and tools of tests and
 * simulation stand beside what they stand in for. The page of the admin API is served as files.
 */
const ENTRY_POINTS: Readonly<Record<string, string>> = {
  'src/cli/main.ts': 'bin/pilotlight.js starts it',
  'src/local/guard.ts': 'src/local/guard-client.ts starts it as a process of its own',
  'src/cli/data-plane/thread.ts': 'src/cli/data-plane/threads.ts starts it as a worker thread',
  'src/gateway/http1/webassembly.d.ts': 'names for the compiler, which no import says',
  'src/core/manual-clock.ts': 'the clock of tests, simulation and benchmarks',
}

/** Words that a file must not hold, written in parts so that this file does not. */
const UNFINISHED = new RegExp(
  `\\b(?:${[
    ['TO', 'DO'],
    ['FIX', 'ME'],
    ['X', 'XX'],
  ]
    .map((parts) => parts.join(''))
    .join('|')})\\b`,
)
const LEFT_OUT = new RegExp(`\\b(?:describe|it|test)\\.(?:${['skip', 'only', 'todo', 'fails'].join('|')})\\b`)

const sourceFiles = filesUnder().filter((path) => /\.(?:ts|js|mjs|py|sh|css|html|md|ya?ml|json)$/.test(path))
const ownFiles = sourceFiles.filter((path) => path !== 'package-lock.json')

function matchesIn(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    textOf(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  )
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}

describe('sources', () => {
  const product = productFiles()

  it('take time from a Clock', () => {
    const wrong = product
      .filter((path) => path !== 'src/core/clock.ts')
      .flatMap((path) => {
        const used =
          TIME.exec(bareCodeOf(path))?.[0] ?? importsOf(path).find((name) => TIME_MODULES.test(name))
        return used === undefined ? [] : [`${path} uses ${used}: take a Clock (src/core/clock.ts)`]
      })
    expect(wrong).toEqual([])
  })

  it('stay short enough to be read in one go', () => {
    const long = product
      .map((path) => ({ path, lines: textOf(path).split('\n').length - 1 }))
      .filter(({ lines }) => lines > LINES_MAX)
      .map(
        ({ path, lines }) => `${path} has ${lines} lines, ${LINES_MAX} at most: give each idea its own file`,
      )
    expect(long).toEqual([])
  })

  it('open a folder that others import with an index.ts that says what it is', () => {
    const wrong = WITH_INDEX.filter((folder) => {
      const index = `${folder}/index.ts`
      return !existsSync(join(root, index)) || !textOf(index).startsWith('/**')
    })
    expect(wrong, 'write an index.ts: one paragraph, then the names').toEqual([])
  })

  it('leave nothing unfinished', () => {
    expect(matchesIn(ownFiles, UNFINISHED), 'finish it, or open an issue').toEqual([])
  })

  it('leave no test out', () => {
    const tests = ownFiles.filter((path) => path.endsWith('.ts') && isTest(path))
    expect(tests.length).toBeGreaterThan(0)
    expect(matchesIn(tests, LEFT_OUT), 'mend the test or delete it').toEqual([])
  })

  it('name no path of the machine they were written on', () => {
    const folders = [root, dirname(root)].filter((folder) => folder !== '/').map(escaped)
    const homes = ['home', 'Users'].map((folder) => `/${folder}/[a-z]\\w*`)
    const pattern = new RegExp(
      `(?<![\\w.}-])(?:${[...folders, ['', 'root'].join('/'), ...homes].join('|')})(?=[/'"\`\\s)]|$)`,
    )
    expect(matchesIn(ownFiles, pattern), 'make it relative, or a setting').toEqual([])
  })

  it('are all used', () => {
    const users = filesUnder().filter((path) => /\.(?:ts|js)$/.test(path) && !isTest(path))
    const used = new Set(users.flatMap((path) => importsOf(path)))
    const dead = product.filter(
      (path) => !used.has(path) && !(path in ENTRY_POINTS) && !path.endsWith('/index.ts'),
    )
    expect(dead, 'delete the file, or name it in ENTRY_POINTS and say who uses it').toEqual([])
  })
})
