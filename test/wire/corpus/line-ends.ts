import { HOST } from '../../support/gateway-harness.ts'
import { got, head, passed, refused, type RequestCase } from './case.ts'

const LF =
  'RFC 9112, 2.2: a reader may take a bare LF for a line end, so two readers differ; this one does not'
const CR = 'RFC 9112, 2.2: a bare CR is invalid'
const EMPTY = 'RFC 9112, 2.2: an empty line before the request line is ignored'

/** Everything that is almost CRLF. */
export const lineEnds: readonly RequestCase[] = [
  ...refused([
    ['bare LF everywhere', `GET /x HTTP/1.1\nHost: ${HOST}\n\n`, LF],
    ['bare LF behind the request line', `GET /x HTTP/1.1\nHost: ${HOST}\r\n\r\n`, LF],
    ['bare LF behind a field', `GET /x HTTP/1.1\r\nHost: ${HOST}\nX: y\r\n\r\n`, LF],
    ['bare LF behind the last field', `GET /x HTTP/1.1\r\nHost: ${HOST}\n\r\n`, LF],
    ['bare LF as the empty line', `GET /x HTTP/1.1\r\nHost: ${HOST}\r\n\n`, LF],
    ['bare LF in a value', got('X: a\nb\r\n'), LF],
    ['bare LF and a field in a value', got('X: a\nX-Evil: b\r\n'), LF],
    ['bare LF before a value', got('X:\na\r\n'), LF],
    ['LF LF in a head', got('X: a\n\nGET /evil HTTP/1.1\r\n'), LF],
    ['bare LF in a name', got('X\nY: a\r\n'), LF],
    ['bare CR everywhere', `GET /x HTTP/1.1\rHost: ${HOST}\r\r`, CR],
    ['bare CR behind the request line', `GET /x HTTP/1.1\rHost: ${HOST}\r\n\r\n`, CR],
    ['bare CR behind a field', `GET /x HTTP/1.1\r\nHost: ${HOST}\rX: y\r\n\r\n`, CR],
    ['bare CR as the empty line', `GET /x HTTP/1.1\r\nHost: ${HOST}\r\n\rX: y\r\n\r\n`, CR],
    ['CR CR LF behind the request line', `GET /x HTTP/1.1\r\r\nHost: ${HOST}\r\n\r\n`, CR],
    ['CR CR LF behind a field', `GET /x HTTP/1.1\r\nHost: ${HOST}\r\r\n\r\n`, CR],
    ['LF CR behind a field', `GET /x HTTP/1.1\r\nHost: ${HOST}\n\rX: y\r\n\r\n`, LF],
    ['LF CR LF behind a field', `GET /x HTTP/1.1\r\nHost: ${HOST}\n\r\nX: y\r\n\r\n`, LF],
    ['NEL for a line end', `GET /x HTTP/1.1\x85Host: ${HOST}\r\n\r\n`, 'RFC 9112, 3: single spaces'],
    ['a bare CR before the request line', `\r${head('GET /x HTTP/1.1')}`, CR],
    ['a space in the empty line before the request line', ` \r\n${head('GET /x HTTP/1.1')}`, EMPTY],
  ]),
  ...passed([
    [
      'an empty line before the request line',
      `\r\n${head('GET /x HTTP/1.1')}`,
      EMPTY,
      { method: 'GET', path: '/x' },
    ],
    [
      'an empty line between two requests',
      `${head('GET /a HTTP/1.1')}\r\n${head('GET /b HTTP/1.1')}`,
      EMPTY,
      [{ path: '/a' }, { path: '/b' }],
    ],
    [
      'an empty line behind a body, as old clients send it',
      `${head('POST /a HTTP/1.1', 'Content-Length: 2\r\n')}hi\r\n${head('GET /b HTTP/1.1')}`,
      EMPTY,
      [{ path: '/a', body: 'hi' }, { path: '/b' }],
    ],
  ]),
]
