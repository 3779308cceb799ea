import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { Config } from '../core/config.ts'
import type { ReplicaTemplate } from '../core/revision.ts'
import type { Log } from '../core/telemetry.ts'
import { download } from './download.ts'
import { codeOf, messageOf, ReplicaFailure } from './replica-failure.ts'
import { placeOf, type StoragePlace, type StorageRules } from './storage.ts'

/** The longest that fetching one model may take: 400 GB at 100 MB/s are 4,000 s. */
const DOWNLOAD_TIMEOUT_MS = 7_200_000

/**
 * The models on this machine. What has to be fetched is fetched once into `<stateDir>/models/<hash of the URL>`,
 * however many replicas ask, and stays there.
 */
export class ModelStore implements AsyncDisposable {
  readonly #dir: string
  readonly #rules: StorageRules
  readonly #clock: Clock
  readonly #log: Log
  readonly #closing = new AbortController()
  readonly #pulling = new Map<string, Promise<string>>()

  constructor(
    stateDir: string,
    options: {
      readonly config: Config
      readonly configDir: string
      readonly clock: Clock
      readonly log: Log
    },
  ) {
    const { config, configDir, clock, log } = options
    this.#dir = join(stateDir, 'models')
    this.#rules = { mapping: config.local.storage, configDir, stateDir }
    this.#clock = clock
    this.#log = log
  }

  /**
   * The folders of a template's models, in their order; undefined when one has to be fetched first.
   * @throws ReplicaFailure when a URI leads nowhere.
   */
  localDirs(storage: ReplicaTemplate['storage']): readonly string[] | undefined {
    const dirs = storage.map(({ uri }) => this.#localDir(uri, placeOf(uri, this.#rules)))
    return dirs.every((dir) => dir !== undefined) ? dirs : undefined
  }

  /**
   * The same, fetching what is not here. An aborted signal ends the wait, not the fetch: the next start wants it too.
   * @throws ReplicaFailure when a URI leads nowhere or cannot be fetched.
   */
  async pull(storage: ReplicaTemplate['storage'], signal: AbortSignal): Promise<readonly string[]> {
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => aborted.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const dirs = Promise.all(storage.map(({ uri }) => this.#pullOne(uri)))
      return await Promise.race([dirs, aborted.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('stopping'))
    await Promise.allSettled(this.#pulling.values())
  }

  async #pullOne(uri: string): Promise<string> {
    const place = placeOf(uri, this.#rules)
    if (place.kind === 'path') return this.#pathDir(uri, place.path)
    if (existsSync(this.#folderFor(place.url))) return this.#folderFor(place.url)
    const running = this.#pulling.get(place.url)
    if (running !== undefined) return running
    const pulling = this.#download(uri, place.url).finally(() => this.#pulling.delete(place.url))
    this.#pulling.set(place.url, pulling)
    return pulling
  }

  async #download(uri: string, url: string): Promise<string> {
    const dir = this.#folderFor(url)
    const late = new AbortController()
    using _timer = this.#clock.after(DOWNLOAD_TIMEOUT_MS, () => {
      late.abort(new Error(`not finished within ${DOWNLOAD_TIMEOUT_MS / 1_000} s`))
    })
    const startedMs = this.#clock.now()
    this.#log.info({ url, dir }, 'fetching a model')
    try {
      await download(url, dir, AbortSignal.any([late.signal, this.#closing.signal]))
    } catch (error) {
      throw new ReplicaFailure('StorageError', `storageUri ${uri}: ${messageOf(error)}`, { cause: error })
    }
    this.#log.info({ url, dir, durationMs: this.#clock.now() - startedMs }, 'fetched a model')
    return dir
  }

  #localDir(uri: string, place: StoragePlace): string | undefined {
    if (place.kind === 'path') return this.#pathDir(uri, place.path)
    const dir = this.#folderFor(place.url)
    return existsSync(dir) ? dir : undefined
  }

  #pathDir(uri: string, path: string): string {
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats === undefined)
      throw new ReplicaFailure('StorageError', `storageUri ${uri}: ${path} does not exist`)
    return stats.isDirectory() ? path : this.#folderWith(path)
  }

  /** A model that is one file: servers are given folders, so it gets one with a link to it. */
  #folderWith(file: string): string {
    const dir = this.#folderFor(`file://${file}`)
    mkdirSync(dir, { recursive: true })
    try {
      symlinkSync(file, join(dir, basename(file)))
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    return dir
  }

  #folderFor(url: string): string {
    return join(this.#dir, createHash('sha256').update(url).digest('hex').slice(0, 32))
  }
}
