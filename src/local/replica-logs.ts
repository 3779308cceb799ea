import { mkdirSync, createWriteStream, renameSync, statSync, type WriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { split, type ReplicaName } from '../core/names.ts'
import { codeOf } from './replica-failure.ts'
import { rfc3339Ms } from '../core/clock.ts'

const LINES_KEPT = 2_000
const FILE_BYTES_MAX = 10 * 1_048_576
const UNWRITTEN_BYTES_MAX = 1_048_576

interface ReplicaLog {
  /** The newest lines; the number of the first one is `first`. */
  lines: string[]
  first: number
  changed: PromiseWithResolvers<void>
  isEnded: boolean
  file: WriteStream
  bytes: number
}

/**
 * What replicas write, each line with its time (`2026-01-02T03:04:05.678Z text`): the newest 2,000 lines in memory
 * while the replica exists, and the newest 10 to 20 MiB in `<dir>/<namespace>/<replica>.log` (`.log.1` before that)
 * for afterwards. A disk that does not keep up loses lines in the file; it never holds up a replica.
 */
export class ReplicaLogStore {
  readonly #dir: string
  readonly #clock: Clock
  readonly #logs = new Map<ReplicaName, ReplicaLog>()

  constructor(dir: string, clock: Clock) {
    this.#dir = dir
    this.#clock = clock
  }

  append(replica: ReplicaName, text: string): void {
    const log = this.#logs.get(replica) ?? this.#open(replica)
    const line = `${rfc3339Ms(this.#clock.now())} ${text}`
    log.lines.push(line)
    // Twice the number before cutting, so that cutting costs one line's work a line.
    if (log.lines.length > 2 * LINES_KEPT) {
      log.lines.splice(0, LINES_KEPT)
      log.first += LINES_KEPT
    }
    const { changed } = log
    log.changed = Promise.withResolvers()
    changed.resolve()
    if (log.file.writableLength > UNWRITTEN_BYTES_MAX) return
    log.file.write(`${line}\n`)
    log.bytes += line.length + 1
    if (log.bytes > FILE_BYTES_MAX) this.#turnOver(replica, log)
  }

  /** The replica is gone: its followers end, its file stays. */
  end(replica: ReplicaName): void {
    const log = this.#logs.get(replica)
    if (log === undefined) return
    this.#logs.delete(replica)
    log.isEnded = true
    log.file.end()
    log.changed.resolve()
  }

  /** Whether anything is known of a replica's output: it exists, or its file does. */
  has(replica: ReplicaName): boolean {
    return this.#logs.has(replica) || statSync(this.#path(replica), { throwIfNoEntry: false }) !== undefined
  }

  /**
   * The newest lines, oldest first; with `follow` then each new one until the replica is gone. Nothing at all for a
   * replica that is not known. Ends without an error when `signal` is aborted.
   */
  async *read(
    replica: ReplicaName,
    options: { readonly tailLines?: number; readonly follow: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<string, void, void> {
    const log = this.#logs.get(replica)
    const tailLines = options.tailLines ?? LINES_KEPT
    if (log === undefined) {
      const lines = await this.#written(replica)
      yield* lines.slice(Math.max(0, lines.length - tailLines))
      return
    }
    const aborted = Promise.withResolvers<void>()
    const onAbort = (): void => aborted.resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      let next = log.first + Math.max(0, log.lines.length - tailLines)
      for (;;) {
        // A follower too slow for the lines kept goes on with the oldest that is left.
        for (next = Math.max(next, log.first); next < log.first + log.lines.length; next += 1) {
          if (signal.aborted) return
          const line = log.lines[next - log.first]
          if (line !== undefined) yield line
        }
        if (!options.follow || log.isEnded || signal.aborted) return
        await Promise.race([log.changed.promise, aborted.promise])
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #open(replica: ReplicaName): ReplicaLog {
    const log: ReplicaLog = {
      lines: [],
      first: 0,
      changed: Promise.withResolvers(),
      isEnded: false,
      file: this.#openFile(replica),
      bytes: 0,
    }
    this.#logs.set(replica, log)
    return log
  }

  #turnOver(replica: ReplicaName, log: ReplicaLog): void {
    const path = this.#path(replica)
    // What is not written yet goes to the descriptor that is open, so into the file under its new name.
    renameSync(path, `${path}.1`)
    log.file.end()
    log.file = this.#openFile(replica)
    log.bytes = 0
  }

  #openFile(replica: ReplicaName): WriteStream {
    const path = this.#path(replica)
    mkdirSync(dirname(path), { recursive: true })
    const file = createWriteStream(path, { flags: 'a' })
    // A full disk costs the file, not the replica: the lines stay in memory.
    file.on('error', () => {})
    return file
  }

  async #written(replica: ReplicaName): Promise<string[]> {
    try {
      const lines = (await readFile(this.#path(replica), 'utf8')).split('\n')
      return lines.slice(0, -1)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return []
      throw error
    }
  }

  #path(replica: ReplicaName): string {
    const { namespace, name } = split(replica)
    return join(this.#dir, namespace, `${name}.log`)
  }
}
