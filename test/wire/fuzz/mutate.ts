import type { Random } from '../../../src/core/random.ts'
import { pick } from './seeded.ts'
import { bytes } from '../talk.ts'

/** Bytes that mean something to a reader of HTTP, and some that should not be there. */
const TELLING = bytes('\r\n\0 \t:;,=0159afFx+-"/\\?#%*.()<>@\x01\x0b\x0c\x7f\x80\xa0\xff')

/** Pieces that change what a message means when they are in the wrong place. */
const WORDS = [
  '\r\n',
  '\r\n\r\n',
  '\n',
  '\r',
  '0\r\n\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
  'Connection: content-length, transfer-encoding, host\r\n',
  'Host: iris.ml.localhost\r\n',
  'Expect: 100-continue\r\n',
  'Upgrade: websocket\r\nConnection: Upgrade\r\n',
  'GET /evil HTTP/1.1\r\nHost: iris.ml.localhost\r\n\r\n',
  ' HTTP/1.1\r\n',
  'X: y\r\n z\r\n',
  ';a=b',
  'ffffffffffffffff',
].map(bytes)

type Change = (message: Buffer, random: Random, other: Buffer) => Buffer

const CHANGES: readonly Change[] = [
  // One bit.
  (message, random) => changed(message, random, (byte) => byte ^ (1 << random.below(8))),
  // One byte that tells something.
  (message, random) => changed(message, random, () => TELLING[random.below(TELLING.length)]!),
  // Any byte.
  (message, random) => changed(message, random, () => random.below(256)),
  // Something more.
  (message, random) => spliced(message, random.below(message.length + 1), 0, pick(random, WORDS)),
  (message, random) =>
    spliced(
      message,
      random.below(message.length + 1),
      0,
      TELLING.subarray(random.below(TELLING.length)).subarray(0, 1),
    ),
  // Something less.
  (message, random) =>
    spliced(message, random.below(message.length + 1), 1 + random.below(8), Buffer.alloc(0)),
  // Something twice.
  (message, random) => {
    const from = random.below(message.length + 1)
    return spliced(message, from, 0, message.subarray(from, from + 1 + random.below(60)))
  },
  // The beginning of one and the end of another.
  (message, random, other) =>
    Buffer.concat([
      message.subarray(0, random.below(message.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ]),
  // Cut short.
  (message, random) => message.subarray(0, random.below(message.length + 1)),
]

/** The message with one to four changes, parts of `other` among them. */
export function mutate(random: Random, message: Buffer, other: Buffer): Buffer {
  let mutant = message
  for (let left = 1 + random.below(4); left > 0; left--) mutant = pick(random, CHANGES)(mutant, random, other)
  return mutant
}

function changed(message: Buffer, random: Random, change: (byte: number) => number): Buffer {
  if (message.length === 0) return message
  const copy = Buffer.from(message)
  const at = random.below(copy.length)
  copy[at] = change(copy[at]!)
  return copy
}

function spliced(message: Buffer, at: number, remove: number, insert: Buffer): Buffer {
  return Buffer.concat([message.subarray(0, at), insert, message.subarray(at + remove)])
}
