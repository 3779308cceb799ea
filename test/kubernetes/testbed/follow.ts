import type { Clock } from '../../../src/core/clock.ts'
import type { Api } from './api.ts'

const RETRY_MS = 500

interface Followed {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string }
}

interface List<T> {
  readonly metadata: { readonly resourceVersion: string }
  readonly items: readonly T[]
}

export interface Listener<T> {
  /** An object as it is now, new or known. */
  readonly seen: (object: T) => void
  /** The object with this uid is no longer there. */
  readonly gone: (uid: string) => void
}

/**
 * Tells for ever about the objects that `path` lists (with a query or without): all of them at each new beginning, then
 * each change.
 */
export async function follow<T extends Followed>(
  api: Api,
  { path, clock, listener }: { path: string; clock: Clock; listener: Listener<T> },
): Promise<never> {
  let known = new Set<string>()
  for (;;) {
    try {
      const { metadata, items } = await api.get<List<T>>(path)
      const uids = new Set(items.map((object) => object.metadata.uid))
      for (const uid of known) if (!uids.has(uid)) listener.gone(uid)
      known = uids
      for (const object of items) listener.seen(object)
      await followFrom(metadata.resourceVersion)
    } catch (error) {
      console.log(`following ${path} failed:`, error instanceof Error ? error.message : error)
      await clock.sleep(RETRY_MS)
    }
  }

  async function followFrom(start: string): Promise<void> {
    let version = start
    for (;;) {
      const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=${version}`
      const url = `${path}${path.includes('?') ? '&' : '?'}${query}`
      for await (const { type, object } of api.watch<T>(url, new AbortController().signal)) {
        // Too old: begin again with the whole.
        if (type === 'ERROR') return
        version = object.metadata.resourceVersion
        if (type === 'BOOKMARK') continue
        if (type === 'DELETED') {
          known.delete(object.metadata.uid)
          listener.gone(object.metadata.uid)
        } else {
          known.add(object.metadata.uid)
          listener.seen(object)
        }
      }
    }
  }
}
