import type { EndOfTurn } from '../../end-of-turn.ts'
import type { Http2Error } from './errors.ts'
import { FLOOD_BOUNDS_DEFAULT, type FloodBounds } from './floods.ts'
import { WINDOW_BYTES_DEFAULT, WINDOW_BYTES_MAX } from './frames.ts'
import type { OwnSettings, Role } from './settings.ts'
import type { SlabPool } from './slabs.ts'
import type { Http2Stream } from './stream.ts'

/** What the user of a session is told of it. */
export interface SessionHooks {
  /**
   * A request: a server's sessions only. `fields` is a flat list of names in lower case and values, pseudo fields first, and
   * becomes the user's own. Set `stream.owner` now, or what follows is dropped.
   */
  onStream?(stream: Http2Stream, fields: string[], endStream: boolean): void
  /** The last open stream is closed. */
  onIdle?(): void
  /** The peer's SETTINGS came, for the first time or again: how many streams may be open may have changed. */
  onSettings?(): void
  /** The peer said GOAWAY with one of CODE: no more streams can be opened. */
  onGoaway?(code: number): void
  /** The peer did what it may not, to a stream or to the connection. */
  onError?(error: Http2Error): void
  /**
   * We have said our last and wait for the peer to close. Whoever keeps time destroys the socket of a peer that does not.
   */
  onEnding?(): void
  /** The socket is closed and every stream was told. `error`: why, unless it was meant. */
  onClose(error: Error | undefined): void
}

export interface SessionOptions extends Partial<OwnSettings> {
  readonly role: Role
  readonly hooks: SessionHooks
  /** Shared by the sessions of a thread. */
  readonly slabs: SlabPool
  readonly endOfTurn: EndOfTurn
  /** For budgets that fill with time. */
  readonly nowMs: () => number
  /** Bytes that a peer may send on all streams together before they are consumed. Default 1 MiB. */
  readonly connectionWindowBytes?: number
  /** Data waits in its streams while the socket has so much that the peer does not take. Default 128 KiB. */
  readonly backlogBytesMax?: number
  readonly floods?: Partial<FloodBounds>
}

export interface SessionLimits extends OwnSettings {
  readonly connectionWindowBytes: number
  readonly backlogBytesMax: number
  readonly floods: FloodBounds
}

/** Streams that a client may open at a time, as Go's servers allow. */
const STREAMS_MAX_DEFAULT = 250
const LIST_BYTES_MAX_DEFAULT = 65_536
const CONNECTION_WINDOW_BYTES_DEFAULT = 1_048_576
const BACKLOG_BYTES_MAX_DEFAULT = 131_072

/** @throws RangeError naming the option that is out of range. */
export function limitsOf(options: SessionOptions): SessionLimits {
  return {
    streamsMax: inRange('streamsMax', options.streamsMax ?? STREAMS_MAX_DEFAULT, 1, WINDOW_BYTES_MAX),
    windowBytes: inRange('windowBytes', options.windowBytes ?? WINDOW_BYTES_DEFAULT, 1, WINDOW_BYTES_MAX),
    listBytesMax: inRange(
      'listBytesMax',
      options.listBytesMax ?? LIST_BYTES_MAX_DEFAULT,
      1_024,
      WINDOW_BYTES_MAX,
    ),
    connectionWindowBytes: inRange(
      'connectionWindowBytes',
      options.connectionWindowBytes ?? CONNECTION_WINDOW_BYTES_DEFAULT,
      WINDOW_BYTES_DEFAULT,
      WINDOW_BYTES_MAX,
    ),
    backlogBytesMax: inRange(
      'backlogBytesMax',
      options.backlogBytesMax ?? BACKLOG_BYTES_MAX_DEFAULT,
      BACKLOG_BYTES_MIN,
      WINDOW_BYTES_MAX,
    ),
    floods: { ...FLOOD_BOUNDS_DEFAULT, ...options.floods },
  }
}

/** A socket tells when it is empty again only if it had more than its own mark, which is 64 KiB. */
const BACKLOG_BYTES_MIN = 65_536

function inRange(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RangeError(`${name} is ${value}: allowed are whole numbers from ${least} to ${most}`)
}
