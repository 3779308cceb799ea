import { z } from 'zod'
import { documentsOf, type ManifestDocument, type ObjectKey } from './documents.ts'

/** One manifest file, as it is to be read. */
export interface SourceFile {
  /** As people know it: `examples/iris/service.yaml`, or `applied:ml-serving/iris`. */
  readonly path: string
  /** The folder that relative paths in it start from. */
  readonly baseDir: string
  readonly text: string
}

/** What the API was told about one object. */
export interface OverlayEntry {
  /** The applied document; null: deleted. */
  readonly text: string | null
  readonly baseDir: string
  /** What the folder said of the object at that time, as a hash; null: nothing. */
  readonly shadows: string | null
}

/** By object key. */
export type Overlay = Readonly<Record<string, OverlayEntry>>

export const overlaySchema: z.ZodType<Overlay> = z.record(
  z.string(),
  z.strictObject({ text: z.string().nullable(), baseDir: z.string(), shadows: z.string().nullable() }),
)

/** A file of a folder with its documents, parsed once. */
export interface ParsedFile {
  readonly file: SourceFile
  readonly documents: readonly ManifestDocument[]
}

export function parsed(file: SourceFile): ParsedFile {
  return { file, documents: documentsOf(file.text) }
}

/** What the folders say of an object: a hash that changes when any of its documents does; null: nothing. */
export function folderHashes(files: readonly ParsedFile[]): ReadonlyMap<string, string> {
  const hashes = new Map<ObjectKey, string>()
  for (const { documents } of files) {
    for (const { key, hash } of documents) hashes.set(key, `${hashes.get(key) ?? ''}${hash}`)
  }
  return hashes
}

/**
 * The last writer wins. What was applied, or deleted, through the API stands until the folder says something else
 * of that object than it did then (a file that goes away says something else too); from then on the folder stands,
 * and the entry is dropped.
 */
export function overlaid(
  files: readonly ParsedFile[],
  overlay: Overlay,
): { readonly files: readonly SourceFile[]; readonly overlay: Overlay } {
  const hashes = folderHashes(files)
  const entries = Object.entries(overlay)
  const standing = entries.filter(([key, { text, shadows }]) => {
    const now = hashes.get(key) ?? null
    // A deletion of what is nowhere any more has done its work.
    return now === shadows && !(text === null && now === null)
  })
  const kept = Object.fromEntries(standing)
  const applied = standing.flatMap(([key, { text, baseDir }]) =>
    text === null ? [] : [{ path: `applied:${key.slice(key.indexOf('/') + 1)}`, baseDir, text }],
  )
  return {
    files: [...files.map((file) => without(file, (key) => Object.hasOwn(kept, key))), ...applied],
    overlay: standing.length === entries.length ? overlay : kept,
  }
}

/** The file with some documents blanked out, so that the lines and the numbers of the others stay what they are. */
function without({ file, documents }: ParsedFile, isHidden: (key: ObjectKey) => boolean): SourceFile {
  const hidden = documents.filter(({ key }) => isHidden(key))
  if (hidden.length === 0) return file
  let text = file.text
  for (const { start, end } of hidden) {
    text = text.slice(0, start) + text.slice(start, end).replace(/[^\n]/g, ' ') + text.slice(end)
  }
  return { ...file, text }
}
