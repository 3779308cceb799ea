import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { z } from 'zod'
import { codeOf } from './replica-failure.ts'

/** Writes a whole file or nothing: a reader, or we after a crash, never see the half of it. */
export async function writeFileAtomic(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}.tmp`
  await writeFile(draft, text)
  await rename(draft, path)
}

/** The same in this turn, for what has to be on disk before anything else happens. */
export function writeFileAtomicSync(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}.tmp`
  writeFileSync(draft, text)
  renameSync(draft, path)
}

/**
 * What a JSON file says, as the schema has it; undefined when there is none. A file that says something else is moved
 * aside to `<path>.corrupt` and `onCorrupt` gets a sentence that names it: state that cannot be read must not stop
 * the start.
 */
export function readStateSync<T>(
  path: string,
  schema: z.ZodType<T>,
  onCorrupt: (message: string) => void,
): T | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  const read = schema.safeParse(jsonOrUndefined(text))
  if (read.success) return read.data
  renameSync(path, `${path}.corrupt`)
  onCorrupt(`${path} cannot be understood; it was moved to ${path}.corrupt and what it said is lost`)
  return undefined
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The same value for the same content, whatever the order of its keys: for hashes. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
