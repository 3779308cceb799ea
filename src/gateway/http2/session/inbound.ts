import { HpackError, type HpackDecoder } from '../hpack/index.ts'
import { CLOSED } from './closed-streams.ts'
import { CODE, Http2Error } from './errors.ts'
import type { FloodGuard } from './floods.ts'
import type { FrameSink } from './frame-reader.ts'
import type { FrameWriter } from './frame-writer.ts'
import { FLAG, FRAME } from './frames.ts'
import { fragmentOf, HeaderBlock } from './header-block.ts'
import type { Messages } from './messages.ts'
import type { StreamSender } from './stream-sender.ts'
import type { StreamTable } from './stream-table.ts'
import type { SessionStream } from './stream.ts'

/** What concerns the connection as a whole. */
export interface ConnectionFrames {
  settings(bytes: Buffer, start: number, end: number): void
  settingsAcknowledged(): void
  ping(bytes: Buffer, start: number): void
  pong(bytes: Buffer, start: number): void
  goaway(lastStreamId: number, code: number): void
}

export interface InboundOptions {
  readonly connection: ConnectionFrames
  readonly streams: StreamTable
  readonly messages: Messages
  readonly sender: StreamSender
  readonly writer: FrameWriter
  readonly decoder: HpackDecoder
  readonly floods: FloodGuard
  readonly listBytesMax: number
}

/**
 * Takes the frames of a peer: what RFC 9113 says of each type (6) in each state of a stream (5.1). What concerns the whole
 * connection is thrown as an Http2Error.
 */
export class Inbound implements FrameSink {
  readonly #options: InboundOptions
  readonly #streams: StreamTable
  readonly #messages: Messages
  /** A head whose CONTINUATION frames are still to come: nothing else may come before them. */
  #block: HeaderBlock | undefined
  #hasSettings = false
  /** Of the DATA frame at hand. */
  #stream: SessionStream | undefined
  #frameBytesLeft = 0
  #endsStream = false

  constructor(options: InboundOptions) {
    this.#options = options
    this.#streams = options.streams
    this.#messages = options.messages
  }

  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.#checkOrder(type, flags, streamId)
    switch (type) {
      case FRAME.headers:
        return this.#headers(flags, streamId, bytes, start, end)
      case FRAME.continuation:
        return this.#continuation(flags, bytes, start, end)
      case FRAME.windowUpdate:
        return this.#windowUpdate(streamId, bytes, start, end)
      case FRAME.rstStream:
        return this.#rstStream(streamId, bytes, start, end)
      case FRAME.settings:
        return this.#settings(flags, streamId, bytes, start, end)
      case FRAME.ping:
        return this.#ping(flags, streamId, bytes, start, end)
      case FRAME.goaway:
        return this.#goaway(streamId, bytes, start, end)
      case FRAME.priority:
        return this.#priority(streamId, bytes, start, end)
      case FRAME.pushPromise:
        throw new Http2Error(CODE.protocol, 'PUSH_PROMISE, which nobody allowed')
      default:
        // PRIORITY_UPDATE, ALTSVC, GREASE: RFC 9113, 5.5.
        return this.#options.floods.control()
    }
  }

  dataHead(flags: number, streamId: number, bytes: number): void {
    this.#checkOrder(FRAME.data, flags, streamId)
    onStream(streamId, 'DATA')
    const endsStream = (flags & FLAG.endStream) !== 0
    if (bytes > 0) this.#options.floods.useful(bytes)
    else if (!endsStream) this.#options.floods.control()
    if (!this.#streams.receivedOnConnection(bytes))
      throw new Http2Error(CODE.flowControl, 'more DATA than the window of the connection')
    this.#endsStream = endsStream
    this.#frameBytesLeft = bytes
    this.#stream = this.#takesData(streamId, bytes)
    if (this.#stream === undefined) this.#streams.consumedOnConnection(bytes)
  }

  dataPart(part: Buffer, isLast: boolean): void {
    const stream = this.#stream
    if (stream === undefined) return
    this.#frameBytesLeft -= part.length
    if (stream.isClosed) {
      // Reset by its owner between two parts.
      this.#streams.consumedOnConnection(part.length)
    } else {
      stream.unconsumedBytes += part.length
      this.#messages.data(stream, part, isLast && this.#endsStream)
    }
    if (isLast) this.#padding(stream)
  }

  /** The stream that DATA goes to; undefined: it is dropped. */
  #takesData(streamId: number, bytes: number): SessionStream | undefined {
    const stream = this.#streams.get(streamId)
    if (stream === undefined) {
      if (this.#streams.isIdle(streamId)) throw new Http2Error(CODE.protocol, 'DATA on an idle stream')
      this.#onClosed(streamId, 'DATA')
      return undefined
    }
    if (stream.isRemoteEnded) {
      this.#streams.fail(stream, CODE.streamClosed, 'DATA after the end of the message')
      return undefined
    }
    if (!stream.isHeadSeen) {
      this.#streams.fail(stream, CODE.protocol, 'DATA before a final head')
      return undefined
    }
    if (!stream.receiveWindow.receive(bytes)) {
      this.#streams.fail(stream, CODE.flowControl, 'more DATA than the window of the stream')
      return undefined
    }
    return stream
  }

  /** Nobody reads padding: its share of the windows goes back at once. */
  #padding(stream: SessionStream): void {
    const bytes = this.#frameBytesLeft
    this.#stream = undefined
    if (bytes === 0) return
    this.#streams.consumedOnConnection(bytes)
    this.#streams.consumedOnStream(stream, bytes)
  }

  #headers(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    onStream(streamId, 'HEADERS')
    const fragment = fragmentOf(flags, bytes, start, end)
    const endStream = (flags & FLAG.endStream) !== 0
    if ((flags & FLAG.endHeaders) !== 0) {
      this.#head(streamId, endStream, fragment.dependsOn, bytes, fragment.start, fragment.end)
      return
    }
    this.#block = new HeaderBlock(streamId, {
      endStream,
      dependsOn: fragment.dependsOn,
      first: bytes.subarray(fragment.start, fragment.end),
    })
  }

  #continuation(flags: number, bytes: Buffer, start: number, end: number): void {
    const block = this.#block
    if (block === undefined) throw new Http2Error(CODE.protocol, 'CONTINUATION without a head')
    const { listBytesMax, floods } = this.#options
    block.add(bytes.subarray(start, end), { bytesMax: listBytesMax, framesMax: floods.continuationsMax })
    if ((flags & FLAG.endHeaders) === 0) return
    this.#block = undefined
    const whole = block.whole()
    this.#head(block.streamId, block.endStream, block.dependsOn, whole, 0, whole.length)
  }

  /** A head or trailers, put together. They are decoded in any case: the table of the peer goes on. */
  #head(
    streamId: number,
    endStream: boolean,
    dependsOn: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    const fields: string[] = []
    const { decoder, listBytesMax, floods } = this.#options
    let listBytes: number
    try {
      listBytes = decoder.decode(bytes, start, end, fields, listBytesMax)
    } catch (cause) {
      if (!(cause instanceof HpackError)) throw cause
      throw new Http2Error(CODE.compression, cause.message, { cause })
    }
    floods.useful(0)
    const stream = this.#streams.get(streamId)
    const message = {
      fields,
      endStream,
      isTooLarge: listBytes > listBytesMax,
      dependsOnItself: dependsOn === streamId,
    }
    if (stream !== undefined) this.#messages.headers(stream, message)
    else if (!this.#streams.isIdle(streamId)) this.#headOnClosed(streamId)
    else this.#messages.opens(streamId, message)
  }

  #headOnClosed(streamId: number): void {
    if (this.#streams.howClosed(streamId) === CLOSED.unknown)
      throw new Http2Error(CODE.protocol, `HEADERS on stream ${streamId} after higher ones`)
    this.#onClosed(streamId, 'HEADERS')
  }

  /** RFC 9113, 5.1, closed: what is on its way when we reset a stream is no fault of the peer. */
  #onClosed(streamId: number, name: string): void {
    const how = this.#streams.howClosed(streamId)
    if (how === CLOSED.resetByUs) this.#options.floods.control()
    else if (how === CLOSED.whole) throw new Http2Error(CODE.streamClosed, `${name} on a closed stream`)
    else this.#streams.refuse(streamId, CODE.streamClosed, `${name} on a stream that was reset`)
  }

  #windowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw new Http2Error(CODE.frameSize, 'WINDOW_UPDATE takes 4 bytes')
    this.#options.floods.control()
    const increment = bytes.readUInt32BE(start) & 0x7fff_ffff
    const { sender } = this.#options
    if (streamId === 0) {
      if (increment === 0) throw new Http2Error(CODE.protocol, 'WINDOW_UPDATE of 0')
      if (!sender.widen(increment))
        throw new Http2Error(CODE.flowControl, 'a window of more than 2^31-1 bytes')
      return
    }
    const stream = this.#streams.get(streamId)
    if (stream === undefined) {
      if (this.#streams.isIdle(streamId))
        throw new Http2Error(CODE.protocol, 'WINDOW_UPDATE on an idle stream')
      return
    }
    if (increment === 0) this.#streams.fail(stream, CODE.protocol, 'WINDOW_UPDATE of 0')
    else if (!sender.widenStream(stream, increment))
      this.#streams.fail(stream, CODE.flowControl, 'a window of more than 2^31-1 bytes')
  }

  #rstStream(streamId: number, bytes: Buffer, start: number, end: number): void {
    onStream(streamId, 'RST_STREAM')
    if (end - start !== 4) throw new Http2Error(CODE.frameSize, 'RST_STREAM takes 4 bytes')
    const { floods } = this.#options
    const stream = this.#streams.get(streamId)
    if (stream === undefined) {
      if (this.#streams.isIdle(streamId)) throw new Http2Error(CODE.protocol, 'RST_STREAM on an idle stream')
      floods.control()
      return
    }
    // A server can only reset what we opened.
    if (this.#messages.isServer && !stream.isLocalEnded) floods.reset()
    this.#streams.resetByPeer(stream, bytes.readUInt32BE(start))
  }

  #settings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    onConnection(streamId, 'SETTINGS')
    this.#options.floods.control()
    if ((flags & FLAG.ack) !== 0) {
      if (end !== start) throw new Http2Error(CODE.frameSize, 'an acknowledgement of SETTINGS with settings')
      this.#options.connection.settingsAcknowledged()
      return
    }
    if ((end - start) % 6 !== 0) throw new Http2Error(CODE.frameSize, 'SETTINGS of 6 bytes each')
    this.#hasSettings = true
    this.#options.connection.settings(bytes, start, end)
  }

  #ping(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    onConnection(streamId, 'PING')
    if (end - start !== 8) throw new Http2Error(CODE.frameSize, 'PING takes 8 bytes')
    this.#options.floods.control()
    if ((flags & FLAG.ack) === 0) this.#options.connection.ping(bytes, start)
    else this.#options.connection.pong(bytes, start)
  }

  #goaway(streamId: number, bytes: Buffer, start: number, end: number): void {
    onConnection(streamId, 'GOAWAY')
    if (end - start < 8) throw new Http2Error(CODE.frameSize, 'GOAWAY takes 8 bytes at least')
    this.#options.floods.control()
    this.#options.connection.goaway(bytes.readUInt32BE(start) & 0x7fff_ffff, bytes.readUInt32BE(start + 4))
  }

  /** Priorities of RFC 7540 are read and not followed. */
  #priority(streamId: number, bytes: Buffer, start: number, end: number): void {
    onStream(streamId, 'PRIORITY')
    this.#options.floods.control()
    const problem =
      end - start !== 5
        ? { code: CODE.frameSize, detail: 'PRIORITY takes 5 bytes' }
        : (bytes.readUInt32BE(start) & 0x7fff_ffff) === streamId
          ? { code: CODE.protocol, detail: 'a stream that depends on itself' }
          : undefined
    if (problem === undefined) return
    const stream = this.#streams.get(streamId)
    // A stream that is not open cannot be reset.
    if (stream === undefined) throw new Http2Error(problem.code, problem.detail)
    this.#streams.fail(stream, problem.code, problem.detail)
  }

  #checkOrder(type: number, flags: number, streamId: number): void {
    if (!this.#hasSettings && (type !== FRAME.settings || (flags & FLAG.ack) !== 0))
      throw new Http2Error(CODE.protocol, 'the first frame is not SETTINGS')
    const block = this.#block
    if (block !== undefined && (type !== FRAME.continuation || streamId !== block.streamId))
      throw new Http2Error(CODE.protocol, 'another frame before the end of a head')
  }
}

function onStream(streamId: number, name: string): void {
  if (streamId === 0) throw new Http2Error(CODE.protocol, `${name} on stream 0`)
}

function onConnection(streamId: number, name: string): void {
  if (streamId !== 0) throw new Http2Error(CODE.protocol, `${name} on stream ${streamId}`)
}
