import { CODE, Http2Error } from './errors.ts'
import { MessageRules } from './message-rules.ts'
import type { Role } from './settings.ts'
import type { StreamTable } from './stream-table.ts'
import type { SessionStream } from './stream.ts'

/** A head, or trailers, as it came. */
export interface InboundHead {
  readonly fields: string[]
  readonly endStream: boolean
  /** Beyond what we take; then `fields` is not all. */
  readonly isTooLarge: boolean
  /** Says so in its priority. */
  readonly dependsOnItself: boolean
}

export interface MessagesOptions {
  readonly role: Role
  readonly streams: StreamTable
  /** Streams that a client may have open. */
  readonly streamsMax: number
  /** The last stream that we take; changes when the session drains. */
  readonly lastTakenId: () => number
  readonly onStream: (stream: SessionStream, fields: string[], endStream: boolean) => void
}

/**
 * Puts heads, data and trailers to what they are: requests or answers that are well formed (RFC 9113, 8.1), and tells the
 * streams' owners.
 */
export class Messages {
  readonly #options: MessagesOptions
  readonly #streams: StreamTable
  readonly #rules = new MessageRules()
  readonly isServer: boolean
  /** Streams that got something from the read at hand. */
  #touched: SessionStream[] = []

  constructor(options: MessagesOptions) {
    this.#options = options
    this.#streams = options.streams
    this.isServer = options.role === 'server'
  }

  /** A head on a stream that was idle: a request. */
  opens(streamId: number, head: InboundHead): void {
    if (!this.isServer || streamId % 2 === 0)
      throw new Http2Error(CODE.protocol, `HEADERS on stream ${streamId}, which the peer may not open`)
    const { streamsMax, lastTakenId, onStream } = this.#options
    const streams = this.#streams
    if (streamId > lastTakenId()) return streams.ignore(streamId)
    if (streams.size >= streamsMax)
      return streams.refuse(streamId, CODE.refusedStream, `more than ${streamsMax} streams`)
    if (head.dependsOnItself)
      return streams.refuse(streamId, CODE.protocol, 'a stream that depends on itself')
    if (head.isTooLarge) return streams.refuse(streamId, CODE.enhanceYourCalm, 'a head that is too large')
    const { problem, length } = this.#rules.request(head.fields)
    if (problem !== undefined) return streams.refuse(streamId, CODE.protocol, problem)
    if (head.endStream && length > 0)
      return streams.refuse(streamId, CODE.protocol, `content-length ${length} and no data`)
    const stream = streams.add(streamId)
    stream.isHeadSeen = true
    stream.lengthLeft = length
    stream.isRemoteEnded = head.endStream
    onStream(stream, head.fields, head.endStream)
    this.#touch(stream)
    streams.ended(stream)
  }

  /** Another head on a stream that is open. */
  headers(stream: SessionStream, head: InboundHead): void {
    const streams = this.#streams
    if (stream.isRemoteEnded) streams.fail(stream, CODE.streamClosed, 'HEADERS after the end of the message')
    else if (head.dependsOnItself) streams.fail(stream, CODE.protocol, 'a stream that depends on itself')
    else if (head.isTooLarge) streams.fail(stream, CODE.enhanceYourCalm, 'a head that is too large')
    else if (stream.isHeadSeen) this.#trailers(stream, head)
    else this.#response(stream, head)
  }

  data(stream: SessionStream, part: Buffer, endStream: boolean): void {
    if (stream.lengthLeft >= 0) {
      stream.lengthLeft -= part.length
      if (stream.lengthLeft < 0 || (endStream && stream.lengthLeft > 0)) {
        this.#streams.fail(stream, CODE.protocol, 'content-length and data differ')
        return
      }
    }
    if (part.length === 0 && !endStream) return
    if (endStream) stream.isRemoteEnded = true
    const owner = stream.owner
    if (owner === undefined) this.#streams.consumed(stream, part.length)
    else owner.onData(part, endStream)
    this.#touch(stream)
    if (endStream) this.#streams.ended(stream)
  }

  /** The read at hand is over. */
  endTurn(): void {
    const touched = this.#touched
    if (touched.length === 0) return
    this.#touched = []
    for (const stream of touched) {
      stream.isTouched = false
      stream.owner?.onTurnEnd()
    }
  }

  #response(stream: SessionStream, { fields, endStream }: InboundHead): void {
    const { problem, status, length } = this.#rules.response(fields)
    if (problem !== undefined) return this.#streams.fail(stream, CODE.protocol, problem)
    if (status < 200) {
      if (endStream || status === 101)
        return this.#streams.fail(stream, CODE.protocol, `:status ${status} as the end, or in HTTP/2`)
    } else {
      const isBodyless = stream.isBodyless || status === 204 || status === 304
      stream.isHeadSeen = true
      stream.lengthLeft = isBodyless ? 0 : length
      if (endStream && stream.lengthLeft > 0)
        return this.#streams.fail(stream, CODE.protocol, `content-length ${length} and no data`)
      stream.isRemoteEnded = endStream
    }
    stream.owner?.onHeaders(fields, endStream)
    this.#touch(stream)
    this.#streams.ended(stream)
  }

  #trailers(stream: SessionStream, { fields, endStream }: InboundHead): void {
    if (!endStream)
      return this.#streams.fail(stream, CODE.protocol, 'a second head that does not end the stream')
    const { problem } = this.#rules.trailers(fields)
    if (problem !== undefined) return this.#streams.fail(stream, CODE.protocol, problem)
    if (stream.lengthLeft > 0)
      return this.#streams.fail(stream, CODE.protocol, 'content-length and data differ')
    stream.isRemoteEnded = true
    stream.owner?.onTrailers(fields)
    this.#touch(stream)
    this.#streams.ended(stream)
  }

  #touch(stream: SessionStream): void {
    if (stream.isTouched) return
    stream.isTouched = true
    this.#touched.push(stream)
  }
}
