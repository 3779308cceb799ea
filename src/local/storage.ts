import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf, ReplicaFailure } from './replica-failure.ts'

/** Where a storage URI leads: to a folder or file that is here, or to something to fetch. */
export type StoragePlace =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'download'; readonly url: string }

export interface StorageRules {
  /** `local.storage`: URI prefix -> folder or http(s) mirror. */
  readonly mapping: Readonly<Record<string, string>>
  /** The folder that relative folders of the mapping start from. */
  readonly configDir: string
  readonly stateDir: string
}

/**
 * The longest prefix of `local.storage` that fits wins; without one `file://`, `http(s)://` and `pvc://` (a folder
 * `pvc/<name>` of the state folder) speak for themselves.
 * @throws ReplicaFailure saying which mapping is missing.
 */
export function placeOf(uri: string, { mapping, configDir, stateDir }: StorageRules): StoragePlace {
  const prefix = longestPrefix(uri, Object.keys(mapping))
  if (prefix !== undefined) {
    const target = mapping[prefix] ?? ''
    const rest = uri.slice(prefix.length)
    if (/^https?:\/\//.test(target)) return { kind: 'download', url: join(target, rest) }
    const folder = target.startsWith('file://') ? pathOfFileUrl(uri, target) : target
    return { kind: 'path', path: resolve(configDir, join(folder, rest)) }
  }
  if (uri.startsWith('file://')) return { kind: 'path', path: pathOfFileUrl(uri, uri) }
  if (/^https?:\/\//.test(uri)) return { kind: 'download', url: uri }
  if (uri.startsWith('pvc://'))
    return { kind: 'path', path: resolve(stateDir, 'pvc', uri.slice('pvc://'.length)) }
  // KServe takes a path without a scheme as it stands.
  if (uri.startsWith('/')) return { kind: 'path', path: uri }
  const example = `local.storage: {"${uri}": "./folder"}`
  throw new ReplicaFailure(
    'StorageError',
    `storageUri ${uri}: no mapping in local.storage for it; add one (${example}) or use file://, https:// or pvc://`,
  )
}

/** Whole path segments only: `gs://models` is no prefix of `gs://models-2/iris`. */
function longestPrefix(uri: string, prefixes: readonly string[]): string | undefined {
  const fits = prefixes.filter((prefix) => {
    if (prefix === '' || !uri.startsWith(prefix)) return false
    return prefix.endsWith('/') || uri.length === prefix.length || uri[prefix.length] === '/'
  })
  return fits.sort((a, b) => b.length - a.length)[0]
}

function join(base: string, rest: string): string {
  if (rest === '') return base
  return `${base.replace(/\/+$/, '')}/${rest.replace(/^\/+/, '')}`
}

function pathOfFileUrl(uri: string, url: string): string {
  try {
    return fileURLToPath(url)
  } catch (error) {
    throw new ReplicaFailure(
      'StorageError',
      `storageUri ${uri}: ${url} is no file of this machine: ${messageOf(error)}`,
    )
  }
}
