import { createHash } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Log } from '../core/telemetry.ts'
import { readStateSync, writeFileAtomic } from './files.ts'

const entrySchema = z.strictObject({ key: z.string(), value: z.unknown() })

/** JSON values by key, each in a file of its own below `dir`: what has to outlive a restart. */
export class FileHistory {
  readonly #dir: string
  readonly #log: Log
  /** The last write of each key: writes of one key happen in the order in which they were asked for. */
  readonly #writing = new Map<string, Promise<void>>()

  readonly #newest = new Map<string, unknown>()

  constructor(dir: string, log: Log) {
    this.#dir = dir
    this.#log = log
  }

  /** Everything kept. A file that cannot be understood is moved aside with a warning that names it. */
  async load(): Promise<Record<string, unknown>> {
    await mkdir(this.#dir, { recursive: true })
    const names = (await readdir(this.#dir)).filter((name) => name.endsWith('.json')).sort()
    const entries: [string, unknown][] = []
    for (const name of names) {
      const path = join(this.#dir, name)
      const kept = readStateSync(path, entrySchema, (message) => this.#log.warn({ path }, message))
      if (kept !== undefined) entries.push([kept.key, kept.value])
    }
    return Object.fromEntries(entries)
  }

  /** Keeps a value, or with undefined forgets it; the same object again is kept already. Resolves when it is on disk. */
  async save(key: string, value: unknown): Promise<void> {
    if (value !== undefined && this.#newest.get(key) === value) return
    if (value === undefined) this.#newest.delete(key)
    else this.#newest.set(key, value)
    const before = this.#writing.get(key) ?? Promise.resolve()
    // A write that failed was reported to its own caller.
    const write = before.catch(() => {}).then(() => this.#write(key, value))
    this.#writing.set(key, write)
    try {
      await write
    } catch (error) {
      if (this.#newest.get(key) === value) this.#newest.delete(key)
      throw error
    } finally {
      if (this.#writing.get(key) === write) this.#writing.delete(key)
    }
  }

  async #write(key: string, value: unknown): Promise<void> {
    const path = join(this.#dir, fileName(key))
    if (value === undefined) await rm(path, { force: true })
    else await writeFileAtomic(path, JSON.stringify({ key, value }))
  }
}

/** Readable for people, and told apart by the digest whatever the file system thinks of case and length. */
function fileName(key: string): string {
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 16)
  return `${key.replace(/[^\w.-]+/g, '_').slice(0, 100)}-${digest}.json`
}
