import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Clock, Timer } from '../../core/clock.ts'
import { ConfigError } from '../../core/config.ts'

/** How often files are looked at. Looking, unlike fs.watch, misses nothing: a Kubernetes secret is swapped by a symlink far from the file. */
export const LOOK_MS = 10_000
/** What has changed is read again after this long, until it stands still: files are not written in one step. */
export const STILL_MS = 1_000

/** A file and the field of the configuration that names it. */
export interface NamedFile {
  readonly field: string
  readonly path: string
}

/** What a set of files holds, in their order, or why one of them cannot be read. */
export type Contents = readonly string[] | ConfigError

/** A set of files that belong together, read whole each time. */
export class WatchedFiles {
  readonly #files: readonly NamedFile[]
  readonly #clock: Clock
  /** Of what was handed out last. */
  #known: string
  /** Of a change that has yet to stand still. */
  #changed: string | undefined
  #timer: Timer | undefined
  #isClosed = false
  readonly first: readonly string[]

  /** @throws ConfigError naming the field, the file and the reason if one cannot be read. */
  constructor(files: readonly NamedFile[], clock: Clock) {
    this.#files = files
    this.#clock = clock
    this.first = files.map((file) => {
      try {
        return readFileSync(file.path, 'utf8')
      } catch (error) {
        throw unreadable(file, error)
      }
    })
    this.#known = fingerprint(this.first)
  }

  /** From now on `onChange` is told, once each, what else the files hold. */
  watch(onChange: (contents: Contents) => void): void {
    if (this.#files.length > 0 && !this.#isClosed) this.#lookIn(LOOK_MS, onChange)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #lookIn(delayMs: number, onChange: (contents: Contents) => void): void {
    this.#timer = this.#clock.after(delayMs, () => void this.#look(onChange), { keepAlive: false })
  }

  async #look(onChange: (contents: Contents) => void): Promise<void> {
    const contents = await readAll(this.#files)
    if (this.#isClosed) return
    const found = fingerprint(contents)
    if (found === this.#known) {
      this.#changed = undefined
      this.#lookIn(LOOK_MS, onChange)
    } else if (found !== this.#changed) {
      this.#changed = found
      this.#lookIn(STILL_MS, onChange)
    } else {
      this.#known = found
      this.#changed = undefined
      this.#lookIn(LOOK_MS, onChange)
      onChange(contents)
    }
  }
}

async function readAll(files: readonly NamedFile[]): Promise<Contents> {
  const texts: string[] = []
  for (const file of files) {
    try {
      texts.push(await readFile(file.path, 'utf8'))
    } catch (error) {
      return unreadable(file, error)
    }
  }
  return texts
}

function unreadable({ field, path }: NamedFile, cause: unknown): ConfigError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new ConfigError(`${field}: cannot read ${path}: ${why}`, { cause })
}

/** Keys are among the contents, so their text is not kept. */
function fingerprint(contents: Contents): string {
  const text = contents instanceof ConfigError ? contents.message : JSON.stringify(contents)
  return createHash('sha256').update(text).digest('hex')
}
