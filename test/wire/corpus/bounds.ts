import { got, head, refused, type RequestCase } from './case.ts'

const HEAD = 'RFC 6585, 5: more than gateway.headBytesMax (64 KiB)'
const COUNT = 'RFC 6585, 5: more than gateway.headersMax (100)'

/** Heads larger than the gateway takes. */
export const bounds: readonly RequestCase[] = refused(
  [
    ['a value of 70,000 bytes', got(`X: ${'a'.repeat(70_000)}\r\n`), HEAD],
    ['a name of 70,000 bytes', got(`${'a'.repeat(70_000)}: x\r\n`), HEAD],
    ['a target of 70,000 bytes', head(`GET /${'a'.repeat(70_000)} HTTP/1.1`), HEAD],
    ['a query of 70,000 bytes', head(`GET /?${'a'.repeat(70_000)} HTTP/1.1`), HEAD],
    ['70 values of 1,000 bytes', got(`X: ${'a'.repeat(1_000)}\r\n`.repeat(70)), HEAD],
    ['a value that goes on for ever', `GET /x HTTP/1.1\r\nX: ${'a'.repeat(200_000)}`, HEAD],
    ['a target that goes on for ever', `GET /${'a'.repeat(200_000)}`, HEAD],
    ['70,000 bytes of white space before a value', got(`X:${' '.repeat(70_000)}a\r\n`), HEAD],
    ['101 fields besides Host', got('X: y\r\n'.repeat(101)), COUNT],
    ['500 fields', got('X: y\r\n'.repeat(500)), COUNT],
    ['5,000 fields of two bytes', got('X:\r\n'.repeat(5_000)), COUNT],
  ],
  { code: 'HEAD_TOO_LARGE' },
)
