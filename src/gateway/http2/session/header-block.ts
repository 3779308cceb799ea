import { CODE, Http2Error } from './errors.ts'
import { FLAG } from './frames.ts'

/** Where the fields of a HEADERS frame are, less padding and priority. */
export interface Fragment {
  start: number
  end: number
  /** The stream that this one depends on; 0 = none is said. */
  dependsOn: number
}

/** @throws Http2Error of the connection when padding and priority do not fit the frame. */
export function fragmentOf(flags: number, bytes: Buffer, from: number, until: number): Fragment {
  let start = from
  let end = until
  let dependsOn = 0
  if ((flags & FLAG.padded) !== 0) {
    if (start >= end) throw new Http2Error(CODE.frameSize, 'a padded HEADERS frame without a pad length')
    end -= bytes[start]!
    start += 1
  }
  if ((flags & FLAG.priority) !== 0) {
    if (until - start < 5) throw new Http2Error(CODE.frameSize, 'a HEADERS frame too short for its priority')
    dependsOn = bytes.readUInt32BE(start) & 0x7fff_ffff
    start += 5
  }
  if (start > end) throw new Http2Error(CODE.protocol, 'more padding than payload')
  return { start, end, dependsOn }
}

/** The fields of a head that came in several frames: bounded in bytes and in frames. */
export class HeaderBlock {
  readonly streamId: number
  readonly endStream: boolean
  readonly dependsOn: number
  readonly #parts: Buffer[]
  #bytes: number

  constructor(
    streamId: number,
    { endStream, dependsOn, first }: { endStream: boolean; dependsOn: number; first: Buffer },
  ) {
    this.streamId = streamId
    this.endStream = endStream
    this.dependsOn = dependsOn
    // What is read may be used again.
    this.#parts = [Buffer.from(first)]
    this.#bytes = first.length
  }

  add(part: Buffer, { bytesMax, framesMax }: { bytesMax: number; framesMax: number }): void {
    this.#bytes += part.length
    this.#parts.push(Buffer.from(part))
    if (this.#bytes > bytesMax)
      throw new Http2Error(CODE.enhanceYourCalm, `a head of more than ${bytesMax} bytes`)
    if (this.#parts.length > framesMax + 1)
      throw new Http2Error(CODE.enhanceYourCalm, `a head in more than ${framesMax} CONTINUATION frames`)
  }

  whole(): Buffer {
    return Buffer.concat(this.#parts, this.#bytes)
  }
}
