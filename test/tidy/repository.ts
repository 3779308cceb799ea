import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of this repository, without a slash at its end. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

const NOT_OURS = new Set([
  'node_modules',
  'dist',
  'coverage',
  '.git',
  '.venv',
  '.pilotlight',
  '.testbed',
  '.testbed-suite',
  '__pycache__',
])

/** Where the product stands; the rest is tests, benchmarks, examples and scripts. */
const PRODUCT = ['router', 'activator', 'autoscaler', 'src']

/** Every file of the repository, by its path from the root. */
export function filesUnder(folder = ''): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true })
  return entries.flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return []
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return filesUnder(path)
    return entry.isFile() ? [path] : []
  })
}

/** Tests, and the fakes that stand beside what they stand in for (`fake-cluster.ts`). */
export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/') || /\/fake-[\w-]+\.ts$/.test(path)
}

/** The TypeScript files that make up the product, without their tests. */
export function productFiles(): string[] {
  return PRODUCT.filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => filesUnder(folder))
    .filter((path) => path.endsWith('.ts') && !isTest(path))
}

export function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** Strings, which stay, and comments, which go: whichever begins first. */
const STRING_OR_COMMENT = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g

/** The source without its comments. */
export function codeOf(path: string): string {
  return textOf(path).replace(STRING_OR_COMMENT, (part) => (part.startsWith('/') ? ' ' : part))
}

/** The source without its comments and the contents of its quoted strings. */
export function bareCodeOf(path: string): string {
  return textOf(path).replace(STRING_OR_COMMENT, (part) => (part.startsWith('/') ? ' ' : "''"))
}

const IMPORT = /\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g

/** What a file imports or exports from elsewhere: paths from the root for our own, names for packages. */
export function importsOf(path: string): string[] {
  return [...codeOf(path).matchAll(IMPORT)].map(([, specifier = '']) =>
    specifier.startsWith('.') ? relative(root, join(root, dirname(path), specifier)) : specifier,
  )
}
