import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parsed, type ParsedFile } from './overlay.ts'
import { codeOf, messageOf } from './replica-failure.ts'

/** What is wrong with a folder or a file, not with what it says. */
export interface FolderProblem {
  readonly source: string
  readonly message: string
}

export interface Scan {
  readonly files: readonly ParsedFile[]
  readonly problems: readonly FolderProblem[]
  /** The folders to watch, with their inode: another inode is another folder, whatever its name. */
  readonly folders: ReadonlyMap<string, number>
}

interface Seen {
  readonly signature: string
  readonly parsed: ParsedFile
}

/**
 * Reads manifest folders and files: `*.yaml`, `*.yml` and `*.json` that stand directly in a folder, hidden ones left
 * out. It keeps the last good content of what cannot be read now, and reads again only what has changed.
 */
export class FolderScanner {
  readonly #paths: readonly string[]
  /** By the path that was given: its files, by path. */
  readonly #seen = new Map<string, Map<string, Seen>>()

  constructor(paths: readonly string[]) {
    this.#paths = paths
  }

  async scan(): Promise<Scan> {
    const problems: FolderProblem[] = []
    const folders = new Map<string, number>()
    for (const path of this.#paths) {
      const before = this.#seen.get(path) ?? new Map<string, Seen>()
      try {
        this.#seen.set(path, await this.#read(path, before, folders, problems))
      } catch (error) {
        const what = codeOf(error) === 'ENOENT' ? 'does not exist' : messageOf(error)
        const kept = before.size === 0 ? '' : '; what it said before stays in force'
        problems.push({ source: path, message: `${what}${kept}` })
      }
    }
    const files = [...this.#seen.values()].flatMap((seen) =>
      [...seen.values()].map(({ parsed: file }) => file),
    )
    return { files, problems, folders }
  }

  async #read(
    path: string,
    before: ReadonlyMap<string, Seen>,
    folders: Map<string, number>,
    problems: FolderProblem[],
  ): Promise<Map<string, Seen>> {
    const stats = await stat(path)
    if (!stats.isDirectory()) {
      // The folder is watched, not the file: editors replace files.
      folders.set(dirname(resolve(path)), (await stat(dirname(resolve(path)))).ino)
      return new Map([[path, await readSource(path, before.get(path))]])
    }
    folders.set(resolve(path), stats.ino)
    const after = new Map<string, Seen>()
    const names = (await readdir(path)).filter((name) => /^[^.].*\.(?:ya?ml|json)$/i.test(name)).sort()
    for (const name of names) {
      const file = join(path, name)
      const kept = before.get(file)
      try {
        after.set(file, await readSource(file, kept))
      } catch (error) {
        // Gone between the listing and the reading: it is not there.
        if (codeOf(error) === 'ENOENT') continue
        const still = kept === undefined ? '' : '; what it said before stays in force'
        problems.push({ source: file, message: `${messageOf(error)}${still}` })
        if (kept !== undefined) after.set(file, kept)
      }
    }
    return after
  }
}

async function readSource(path: string, kept: Seen | undefined): Promise<Seen> {
  const stats = await stat(path, { bigint: true })
  const signature = `${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`
  if (kept?.signature === signature) return kept
  const text = await readFile(path, 'utf8')
  return { signature, parsed: parsed({ path, baseDir: dirname(resolve(path)), text }) }
}
