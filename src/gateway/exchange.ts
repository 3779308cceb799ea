import type { Cancellation } from '../core/cancellation.ts'
import type { Refusal } from '../core/refusals.ts'
import type { Fields } from './fields.ts'

/**
 * One request and its answer, the same for every version of HTTP:
 *
 *     client --head, body--> Exchange --> attempt --> replica
 *            <----reply-----          <--         <--
 *
 * A listener (HTTP/1.1, HTTP/2) makes the exchange, the gateway decides where it goes, an attempt carries it there.
 */
export interface Exchange {
  readonly head: RequestHead
  readonly body: RequestBody
  readonly reply: Reply
  readonly peer: Peer
  /** Aborted, with the Refusal that says why, when the client is gone, the time is up or the gateway stops. */
  readonly signal: Cancellation
  /** Aborts `signal`; the first reason counts. */
  abort(reason: Refusal): void
}

/** Who sent a request. */
export interface Peer {
  /** IP address without a port; IPv4 as such on dual-stack sockets too. */
  readonly address: string
  readonly scheme: 'http' | 'https'
}

export interface RequestHead {
  readonly version: '1.0' | '1.1' | '2'
  readonly method: string
  /** What follows the authority, as sent: `/v1/models/iris:predict?x=1`, or `*`. */
  readonly path: string
  /** Host or `:authority`, as sent; '' where an HTTP/1.0 request has none. */
  readonly host: string
  readonly fields: Fields
  /** Asks to switch to WebSocket. Other upgrades are answered without switching, as HTTP allows. */
  readonly isWebSocket: boolean
  /** A gRPC call: refusals are told as gRPC status. */
  readonly isGrpc: boolean
  /** Lower-case names that Connection lists: they are not passed on. undefined where it lists none. */
  readonly listed: ReadonlySet<string> | undefined
  /** All values of a field by its lower-case name, joined as one list; undefined if there is none. */
  header(name: string): string | undefined
}

/** Takes a body piece by piece. */
export interface BodySink {
  /** False: no more until the source is told to resume. What was said is taken all the same. */
  write(chunk: Buffer): boolean
  /** The body is whole. */
  end(trailers: Fields): void
  /** What was written in this turn may leave now. A source calls it once per turn, so that small pieces leave as one. */
  flush(): void
}

/**
 * The body of a request. It is read ahead up to 64 KiB, also while the request waits, and can be sent again as long as
 * no more than that has left for a replica.
 */
export interface RequestBody {
  /** Bytes as declared by the client; undefined where only the end tells (chunked, HTTP/2 without content-length, tunnels). */
  readonly length: number | undefined
  /** Bytes at hand that wait for a taker. */
  readonly keptBytes: number
  /** All of it has arrived. */
  readonly isComplete: boolean
  /** False once bytes that are not kept have left for a replica. */
  readonly isReplayable: boolean
  /** Gives the body from its first byte to `sink`: what is kept in this same turn, the rest as it comes. */
  attach(sink: BodySink): void
  /** The sink can take more. */
  resume(): void
  /** The attempt is over: nothing more flows into its sink. */
  detach(): void
  /** Nobody wants the rest. */
  discard(): void
}

/** The head of a final answer, or of a 101. */
export interface ReplyHead {
  readonly status: number
  /** The reason phrase as the replica wrote it; '' where it has none. */
  readonly reason: string
  /** The replica's fields, all of them: whoever writes the answer leaves out what belongs to the replica's connection. */
  readonly fields: Fields
  /** Lower-case names that its Connection header lists: they are not passed on. undefined where it lists none. */
  readonly listed: ReadonlySet<string> | undefined
  /** Names and values, lower-case names, that are said instead of the replica's own of that name. */
  readonly ours: readonly string[]
  /** Bytes of the body that follow; undefined where only its end tells. 0 also where a length is declared for a HEAD. */
  readonly length: number | undefined
}

/** The way back to the client. Calls after `end` or `reset`, and after the client has gone, do nothing. */
export interface Reply extends BodySink {
  /** The final head was handed over: a failure can only reset from here on. */
  readonly began: boolean
  /** The status handed over; 0 before. */
  readonly status: number
  /** Passes on a 1xx other than 100 and 101. */
  inform(status: number, fields: Fields): void
  /**
   * The head leaves with the first bytes of the body, at the latest at `flush`. A 101 makes a tunnel of both ways: from
   * here on `write` and the request's body carry bytes as they are, and `end` closes this direction.
   */
  begin(head: ReplyHead): void
  /** Called when the client can take more after a `write` that said false. */
  onDrain: (() => void) | undefined
  /** Answers with a refusal, unless the answer began: then resets. `ours` as in ReplyHead. */
  refuse(refusal: Refusal, ours: readonly string[]): void
  /** Breaks the answer off so that no client takes it for whole: the connection (HTTP/1.1) or the stream (HTTP/2). */
  reset(): void
}
