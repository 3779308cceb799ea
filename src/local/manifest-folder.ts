import { watch, type FSWatcher } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Clock, Timer } from '../core/clock.ts'
import type { Desired } from '../core/desired.ts'
import { Latest } from '../core/latest.ts'
import type { Log } from '../core/telemetry.ts'
import { documentsOf, objectKey, type ManifestDocument } from './documents.ts'
import { readStateSync, writeFileAtomicSync } from './files.ts'
import { FolderScanner, type FolderProblem, type Scan } from './folder-scan.ts'
import type { DesiredSource } from './local-cluster.ts'
import { metadataSchema, nextMetadata, type MetadataTable, type ObjectMetadata } from './object-metadata.ts'
import {
  folderHashes,
  overlaid,
  overlaySchema,
  parsed,
  type Overlay,
  type OverlayEntry,
  type SourceFile,
} from './overlay.ts'
import { messageOf } from './replica-failure.ts'

/** Documents that were not taken, one sentence for each thing that is wrong. */
export class ApplyRefused extends Error {
  override readonly name = 'ApplyRefused'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

export interface AppliedDocument {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly outcome: 'created' | 'configured' | 'unchanged'
}

export type MetadataLookup = (kind: string, namespace: string, name: string) => ObjectMetadata | undefined

/** Everything the folders and the API say now, as one whole value. */
export interface Manifests {
  readonly files: readonly SourceFile[]
  readonly problems: readonly FolderProblem[]
  readonly metadata: MetadataLookup
}

export interface ManifestFolderOptions {
  readonly clock: Clock
  readonly log: Log
  /** Folders and files, as the user named them. */
  readonly paths: readonly string[]
  readonly stateDir: string
  /** The folder that relative paths of applied objects start from, where they replace nothing. */
  readonly baseDir: string
}

const GATHER_EVENTS_MS = 50
/** File systems that tell nobody of changes (some network and container mounts) are looked at this often. */
const LOOK_AGAIN_MS = 2_000

/**
 * Manifests from watched folders, and over them what was applied and deleted through the API (overlay.ts says who
 * wins). The overlay, and the age and generation of each object, are kept in the state folder.
 */
export class ManifestFolder implements Disposable {
  readonly #options: ManifestFolderOptions
  readonly #scanner: FolderScanner
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; readonly inode: number }>()
  #scan: Scan = { files: [], problems: [], folders: new Map() }
  #overlay: Overlay
  #metadata: MetadataTable
  #documents: ReadonlyMap<string, { readonly document: ManifestDocument; readonly file: SourceFile }> =
    new Map()
  readonly #manifests: Latest<Manifests>
  #timer: Timer | undefined
  #poll: Timer | undefined
  #scanning: Promise<void> | undefined
  #isClosed = false

  private constructor(options: ManifestFolderOptions) {
    const { log, paths } = options
    this.#options = options
    this.#scanner = new FolderScanner(paths)
    const onCorrupt = (message: string): void => log.warn({}, message)
    this.#overlay = readStateSync(this.#overlayPath, overlaySchema, onCorrupt) ?? {}
    this.#metadata = readStateSync(this.#metadataPath, metadataSchema, onCorrupt) ?? {}
    this.#manifests = new Latest<Manifests>({ files: [], problems: [], metadata: () => undefined })
  }

  /** Reads everything once and goes on watching until disposed. A folder that is not there yet is a problem, no error. */
  static async open(options: ManifestFolderOptions): Promise<ManifestFolder> {
    const folder = new ManifestFolder(options)
    await folder.rescan()
    folder.#pollLater()
    return folder
  }

  get current(): Manifests {
    return this.#manifests.value
  }

  manifests(signal: AbortSignal): AsyncIterable<Manifests> {
    return this.#manifests.values(signal)
  }

  async *files(signal: AbortSignal): AsyncGenerator<readonly SourceFile[], void, void> {
    for await (const { files } of this.#manifests.values(signal)) yield files
  }

  /** What `LocalCluster` takes: `toDesired` of each whole, with the problems of the folders added to its own. */
  source(toDesired: (files: readonly SourceFile[], metadata: MetadataLookup) => Desired): DesiredSource {
    const manifests = this.#manifests
    return {
      async *desired(signal) {
        for await (const { files, problems, metadata } of manifests.values(signal)) {
          const desired = toDesired(files, metadata)
          const own = problems.map(({ source, message }) => ({
            source,
            kind: '',
            namespace: '',
            name: '',
            message,
          }))
          yield own.length === 0 ? desired : { ...desired, problems: [...desired.problems, ...own] }
        }
      },
    }
  }

  /** The document that is in force, and where it stands. */
  find(
    kind: string,
    namespace: string,
    name: string,
  ): { readonly document: ManifestDocument; readonly file: SourceFile } | undefined {
    return this.#documents.get(objectKey(kind, namespace, name))
  }

  /**
   * Takes all documents of a text, or none.
   * @param check gets the documents, and answers with what is wrong with them.
   * @throws ApplyRefused
   */
  apply(
    text: string,
    check: (documents: readonly ManifestDocument[]) => readonly string[],
  ): readonly AppliedDocument[] {
    const unreadable: string[] = []
    const documents = documentsOf(text, (message, index) => unreadable.push(`document ${index}: ${message}`))
    if (documents.length === 0 && unreadable.length === 0) unreadable.push('there is no document in it')
    const problems = unreadable.length > 0 ? unreadable : check(documents)
    if (problems.length > 0) throw new ApplyRefused(problems)

    const hashes = folderHashes(this.#scan.files)
    const entries: Record<string, OverlayEntry> = { ...this.#overlay }
    const applied = documents.map(({ key, kind, namespace, name, hash, text: own }): AppliedDocument => {
      const before = this.#documents.get(key)
      if (before?.document.hash === hash) return { kind, namespace, name, outcome: 'unchanged' }
      const baseDir = before?.file.baseDir ?? this.#options.baseDir
      entries[key] = { text: own, baseDir, shadows: hashes.get(key) ?? null }
      return { kind, namespace, name, outcome: before === undefined ? 'created' : 'configured' }
    })
    if (applied.some(({ outcome }) => outcome !== 'unchanged')) this.#overlayBy(entries)
    return applied
  }

  /** Deletes an object. Answers whether there was one. */
  remove(kind: string, namespace: string, name: string): boolean {
    const key = objectKey(kind, namespace, name)
    const before = this.#documents.get(key)
    if (before === undefined) return false
    const shadows = folderHashes(this.#scan.files).get(key) ?? null
    this.#overlayBy({ ...this.#overlay, [key]: { text: null, baseDir: before.file.baseDir, shadows } })
    return true
  }

  /** Looks at the folders now. Resolves when what they say is in force. */
  async rescan(): Promise<void> {
    // A look that began before the change may have missed it.
    while (this.#scanning !== undefined) await this.#scanning
    this.#scanning = this.#scanOnce()
    try {
      await this.#scanning
    } finally {
      this.#scanning = undefined
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#poll?.cancel()
    for (const { watcher } of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  get #overlayPath(): string {
    return join(this.#options.stateDir, 'overlay.json')
  }

  get #metadataPath(): string {
    return join(this.#options.stateDir, 'objects.json')
  }

  async #scanOnce(): Promise<void> {
    try {
      this.#scan = await this.#scanner.scan()
      if (this.#isClosed) return
      this.#watch(this.#scan.folders)
      this.#refresh()
    } catch (error) {
      this.#options.log.error(
        { error: messageOf(error) },
        'the manifest folders could not be read; what they said stays',
      )
    }
  }

  /** On disk before it is in force: what the API said yes to survives us. */
  #overlayBy(overlay: Overlay): void {
    writeFileAtomicSync(this.#overlayPath, JSON.stringify(overlay))
    this.#overlay = overlay
    this.#refresh()
  }

  #refresh(): void {
    const { files, overlay } = overlaid(this.#scan.files, this.#overlay)
    if (overlay !== this.#overlay) {
      this.#overlay = overlay
      writeFileAtomicSync(this.#overlayPath, JSON.stringify(overlay))
    }
    const { problems } = this.#scan
    const before = this.#manifests.value
    if (isDeepStrictEqual({ files, problems }, { files: before.files, problems: before.problems })) return

    const found = files.flatMap((file) => parsed(file).documents.map((document) => ({ document, file })))
    this.#documents = new Map(found.map((entry) => [entry.document.key, entry]))
    const documents = [...this.#documents.values()].map(({ document }) => document)
    const metadata = nextMetadata(this.#metadata, documents, this.#options.clock.now())
    if (!isDeepStrictEqual(metadata, this.#metadata)) {
      this.#metadata = metadata
      writeFileAtomicSync(this.#metadataPath, JSON.stringify(metadata))
    }
    this.#manifests.set({
      files,
      problems,
      metadata: (kind, namespace, name) => metadata[objectKey(kind, namespace, name)],
    })
  }

  #watch(folders: ReadonlyMap<string, number>): void {
    for (const [path, { watcher, inode }] of this.#watchers) {
      if (folders.get(path) === inode) continue
      watcher.close()
      this.#watchers.delete(path)
    }
    for (const [path, inode] of folders) {
      if (this.#watchers.has(path)) continue
      try {
        const watcher = watch(path, { persistent: false }, () => this.#rescanSoon())
        watcher.on('error', () => this.#rescanSoon())
        this.#watchers.set(path, { watcher, inode })
      } catch (error) {
        this.#options.log.warn(
          { path, error: messageOf(error) },
          'a manifest folder cannot be watched; it is read every 2 s',
        )
      }
    }
  }

  /** A save is several events: they are gathered, beginning with the first. */
  #rescanSoon(): void {
    if (this.#isClosed || this.#timer !== undefined) return
    const fire = (): void => {
      this.#timer = undefined
      void this.rescan()
    }
    this.#timer = this.#options.clock.after(GATHER_EVENTS_MS, fire, { keepAlive: false })
  }

  #pollLater(): void {
    const again = (): void => this.#pollLater()
    const look = (): void => void this.rescan().then(again, again)
    if (!this.#isClosed) this.#poll = this.#options.clock.after(LOOK_AGAIN_MS, look, { keepAlive: false })
  }
}
