import { HOST } from '../../support/gateway-harness.ts'
import { chunked, cut, got, head, inert, passed, posted, refused, type RequestCase } from './case.ts'

const evil = 'GET /evil HTTP/1.1\r\nHost: iris.ml.localhost\r\n\r\n'
const first = head('GET /first HTTP/1.1')
const SPLIT = 'RFC 9112, 11.2: what one reader takes for a body and another for a request'
const FORBIDDEN =
  'RFC 9110, 6.5.1: a trailer must not frame, route or authorise, nor say what only the gateway may say'
const OURS = 'what the gateway says of a request is its own word: the peer is no trusted proxy'
const HOP = 'RFC 9110, 7.6.1: fields of one connection, and those that Connection lists, are not passed on'
const trailer = (line: string): string => chunked(`5\r\nhello\r\n0\r\n${line}\r\n\r\n`)

/** Whole attacks: a second request in a body or behind a refusal, fields meant for somebody else. */
export const smuggling: readonly RequestCase[] = [
  ...refused([
    ['CL.TE', posted('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${evil}`), SPLIT],
    [
      'TE.CL',
      posted('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', `2a\r\n${evil}\r\n0\r\n\r\n`),
      SPLIT,
    ],
    [
      'TE.TE, one with a space before its colon',
      posted('Transfer-Encoding: chunked\r\nTransfer-Encoding : identity\r\n', `0\r\n\r\n${evil}`),
      SPLIT,
    ],
    [
      'TE.TE, one unknown',
      posted('Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n', `0\r\n\r\n${evil}`),
      SPLIT,
    ],
    ['TE.TE, one in a list', posted('Transfer-Encoding: cow, chunked\r\n', `0\r\n\r\n${evil}`), SPLIT],
    ['TE behind a bare LF', posted('X: y\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${evil}`), SPLIT],
    ['TE behind a bare CR', posted('X: y\rTransfer-Encoding: chunked\r\n', `0\r\n\r\n${evil}`), SPLIT],
    [
      'TE in a folded field',
      posted('X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', `0\r\n\r\n${evil}`),
      SPLIT,
    ],
    ['CL.CL', posted('Content-Length: 0\r\nContent-Length: 48\r\n', evil), SPLIT],
    ['CL with a plus', posted('Content-Length: +0\r\n', evil), SPLIT],
    ['a head that ends with LF LF', `GET /x HTTP/1.1\r\nHost: ${HOST}\r\nX: y\n\n${evil}`, SPLIT],
    ['a request line within a field name', got(`X\r\n${evil}`), SPLIT],
    ['a GET with a length in TE form', got('Transfer-Encoding: 48\r\n') + evil, SPLIT],
  ]),
  ...refused(
    [
      [
        'a broken request behind a sound one',
        `${first}GET /x HTTP/1.2\r\nHost: ${HOST}\r\n\r\n`,
        'RFC 9112, 9.3.2: answered in order, then refused',
      ],
      ['text behind a sound request', `${first}nonsense\r\n\r\n`, 'RFC 9112, 9.3.2'],
      ['a NUL behind a sound request', `${first}\0\r\n\r\n`, 'RFC 9112, 9.3.2'],
      [
        'CL.TE behind a sound request',
        first + posted('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${evil}`),
        SPLIT,
      ],
      [
        'more bytes than Content-Length says',
        `${head('POST /first HTTP/1.1', 'Content-Length: 5\r\n')}hello!\r\n\r\n`,
        'RFC 9112, 6.3: the rest is a new request',
      ],
      [
        'more bytes behind the last chunk',
        `${chunked('5\r\nhello\r\n0\r\n\r\n')}smuggled\r\n\r\n`,
        'RFC 9112, 7.1: the rest is a new request',
      ],
      ['two CRLF and text behind a sound request', `${first}\r\n\r\n!\r\n\r\n`, 'RFC 9112, 2.2'],
      ['a request without Host behind a sound one', `${first}GET /x HTTP/1.1\r\n\r\n`, 'RFC 9112, 3.2'],
    ],
    { before: 1 },
  ),
  ...refused(
    [
      [
        'two sound requests, then two lengths',
        first + first + posted('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
        SPLIT,
      ],
    ],
    { before: 2 },
  ),
  ...cut(
    [
      [
        'a chunk that ends early behind a sound request',
        first + chunked(`5\r\nhel\r\n0\r\n\r\n${evil}`),
        SPLIT,
      ],
    ],
    { before: 1 },
  ),
  ...inert([
    [
      'a length in the trailers',
      trailer('Content-Length: 48'),
      FORBIDDEN,
      { body: 'hello', trailers: { 'content-length': undefined } },
    ],
    [
      'a transfer coding in the trailers',
      trailer('Transfer-Encoding: chunked'),
      FORBIDDEN,
      { body: 'hello', trailers: { 'transfer-encoding': undefined } },
    ],
    [
      'a Host in the trailers',
      trailer('Host: evil'),
      FORBIDDEN,
      { body: 'hello', trailers: { host: undefined } },
    ],
    [
      'a Connection in the trailers',
      trailer('Connection: close'),
      FORBIDDEN,
      { body: 'hello', trailers: { connection: undefined } },
    ],
    [
      'an Upgrade in the trailers',
      trailer('Upgrade: websocket'),
      FORBIDDEN,
      { body: 'hello', trailers: { upgrade: undefined } },
    ],
    [
      'a Trailer in the trailers',
      trailer('Trailer: x'),
      FORBIDDEN,
      { body: 'hello', trailers: { trailer: undefined } },
    ],
    [
      'Authorization in the trailers',
      trailer('Authorization: Bearer x'),
      FORBIDDEN,
      { body: 'hello', trailers: { authorization: undefined } },
    ],
    [
      'Content-Type in the trailers',
      trailer('Content-Type: text/html'),
      FORBIDDEN,
      { body: 'hello', trailers: { 'content-type': undefined } },
    ],
    [
      'a Cookie in the trailers',
      trailer('Cookie: a=b'),
      FORBIDDEN,
      { body: 'hello', trailers: { cookie: undefined } },
    ],
    [
      'an X-Forwarded-For in the trailers',
      trailer('X-Forwarded-For: 1.2.3.4'),
      FORBIDDEN,
      { body: 'hello', trailers: { 'x-forwarded-for': undefined } },
    ],
    [
      'the service in the trailers',
      trailer('KServe-Isvc-Name: evil'),
      FORBIDDEN,
      { body: 'hello', trailers: { 'kserve-isvc-name': undefined } },
    ],
    [
      'Host that Connection lists',
      got('Connection: Host\r\n'),
      'RFC 9110, 7.6.1: Host is meant for all',
      { fields: { host: HOST } },
    ],
    [
      'our own fields that Connection lists',
      got('Connection: x-request-id, x-forwarded-for, kserve-isvc-name\r\n'),
      OURS,
      { fields: { 'kserve-isvc-name': 'iris' } },
    ],
    [
      'a Connection that is no list of tokens',
      got('Connection: "x y", ;;\r\nX-Y: z\r\n'),
      HOP,
      { fields: { 'x-y': 'z' } },
    ],
    [
      'Content-Length nought and a body behind',
      `${head('POST /x HTTP/1.1', 'Content-Length: 0\r\nConnection: close\r\n')}${evil}`,
      'RFC 9112, 9.6: nothing is read behind close',
      { body: '' },
    ],
  ]),
  ...passed([
    [
      'a request in a counted body',
      posted(`Content-Length: ${evil.length}\r\n`, evil),
      SPLIT,
      { body: evil },
    ],
    [
      'a request in a chunk',
      chunked(`${evil.length.toString(16)}\r\n${evil}\r\n0\r\n\r\n`),
      SPLIT,
      { body: evil },
    ],
    [
      'two pipelined requests',
      first + head('GET /second HTTP/1.1'),
      'RFC 9112, 9.3.2',
      [{ path: '/first' }, { path: '/second' }],
    ],
    [
      'a pipelined request behind a body',
      chunked('5\r\nhello\r\n0\r\n\r\n') + first,
      'RFC 9112, 9.3.2',
      [{ body: 'hello' }, { path: '/first' }],
    ],
    [
      'a field that Connection lists',
      got('Connection: X-Secret\r\nX-Secret: y\r\nX-Other: z\r\n'),
      HOP,
      { fields: { 'x-secret': undefined, 'x-other': 'z' } },
    ],
    [
      'fields that Connection lists in odd form',
      got('Connection: ,x-a ,\tX-B,,\r\nX-A: 1\r\nx-b: 2\r\n'),
      HOP,
      { fields: { 'x-a': undefined, 'x-b': undefined } },
    ],
    [
      'two Connections',
      got('Connection: x-a\r\nConnection: x-b\r\nX-A: 1\r\nX-B: 2\r\n'),
      HOP,
      { fields: { 'x-a': undefined, 'x-b': undefined } },
    ],
    [
      'fields of one connection',
      got(
        'Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nTE: gzip\r\n',
      ),
      HOP,
      {
        fields: {
          'keep-alive': undefined,
          'proxy-connection': undefined,
          'proxy-authorization': undefined,
          te: undefined,
        },
      },
    ],
    [
      'an upgrade to h2c',
      got('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'),
      'RFC 9113, 3.1: no longer part of HTTP/2; h2c smuggling',
      { fields: { upgrade: undefined, 'http2-settings': undefined } },
    ],
    [
      'forged addresses',
      got('X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\nX-Real-IP: 1.2.3.4\r\n'),
      OURS,
      { fields: { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': undefined } },
    ],
    [
      'a forged scheme and host',
      got('X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\n'),
      OURS,
      { fields: { 'x-forwarded-proto': 'http', 'x-forwarded-host': HOST, 'x-forwarded-port': undefined } },
    ],
    [
      'a forged service',
      got('KServe-Isvc-Name: evil\r\nkserve-isvc-namespace: evil\r\n'),
      OURS,
      { fields: { 'kserve-isvc-name': 'iris', 'kserve-isvc-namespace': 'ml' } },
    ],
    ['a request id that is none', got('X-Request-Id: a b"\r\n'), OURS, { path: '/x' }],
  ]),
]
