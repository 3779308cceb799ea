import type { Readable } from 'node:stream'
import { ApiError, type Status } from './api-error.ts'
import type { KubeObject } from './kube-object.ts'

export interface WatchOptions {
  /** Default: all namespaces. */
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  /** What is already known: only what came later is told. */
  readonly resourceVersion: string
  /** After this long the server ends the watch. */
  readonly timeoutSeconds: number
  /** A watch that brings nothing for so long, not even a bookmark, may be dead: it is ended. */
  readonly silenceMaxMs: number
  /** Called once the server has taken the watch. */
  readonly onOpen?: () => void
}

/** BOOKMARK: nothing happened up to the resourceVersion of `object`, which has no more than that. */
export interface WatchEvent<T extends KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: T
}

const NEWLINE = 0x0a

/**
 * The events of a watch: one JSON object in each line. A line that is cut off at the end is dropped, as its event comes
 * again when the watch goes on. @throws ApiError for an event of type ERROR, or a line that is no event.
 */
export async function* eventsOf<T extends KubeObject>(
  what: string,
  body: Readable,
  heard: () => void,
): AsyncGenerator<WatchEvent<T>, void, void> {
  /** The beginning of a line that is not whole yet: a large object comes in many chunks. */
  let begun: Buffer[] = []
  for await (const chunk of body as AsyncIterable<Buffer>) {
    heard()
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const rest = chunk.subarray(from, end)
      const line = begun.length === 0 ? rest : Buffer.concat([...begun, rest])
      begun = []
      from = end + 1
      if (line.length > 0) yield eventOf<T>(what, line.toString('utf8'))
    }
    if (from < chunk.length) begun.push(chunk.subarray(from))
  }
}

function eventOf<T extends KubeObject>(what: string, line: string): WatchEvent<T> {
  let event: WatchEvent<T> | { readonly type: 'ERROR'; readonly object: Status }
  try {
    event = JSON.parse(line)
  } catch (error) {
    const message = `${what}: no event: ${line.slice(0, 100)}`
    throw new ApiError(message, { status: 0, reason: 'Unreachable', cause: error })
  }
  if (event.type === 'ERROR') throw ApiError.fromStatus(what, event.object)
  return event
}
