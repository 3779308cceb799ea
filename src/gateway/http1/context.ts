import type { Refusal } from '../../core/refusals.ts'
import type { Exchange } from '../exchange.ts'
import type { EndOfTurn } from '../end-of-turn.ts'
import type { TimerWheel } from '../timer-wheel.ts'
import type { WatchBounds } from './client-watch.ts'
import type { Llhttp } from './llhttp.ts'
import type { HeadBounds } from './message-parser.ts'
import type { Http1Connection } from './server-connection.ts'

export interface Http1Bounds extends HeadBounds, WatchBounds {
  /** From the first byte of a head to its last; 0 = any time. */
  readonly headTimeoutMs: number
  /** Between two requests; 0 = any time. */
  readonly keepAliveTimeoutMs: number
  /** 0 = any number. */
  readonly requestsPerConnectionMax: number
}

/** What all connections of a gateway share. */
export interface Http1Context {
  readonly llhttp: Llhttp
  readonly wheel: TimerWheel
  readonly endOfTurn: EndOfTurn
  readonly bounds: Http1Bounds
  /** The gateway is leaving: connections close after the answer under way. */
  readonly isLeaving: () => boolean
  /** The Date header's value now. */
  readonly date: () => string
  readonly handle: (exchange: Exchange) => void
  /** Something that is no request was answered with this. */
  readonly onRefused: (refusal: Refusal) => void
  readonly onClosed: (connection: Http1Connection) => void
}
