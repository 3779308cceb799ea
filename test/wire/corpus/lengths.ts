import { got, head, inert, passed, posted, refused, type RequestCase } from './case.ts'

const posts = (length: string, body = 'hello'): string => posted(`Content-Length: ${length}\r\n`, body)
const DIGITS = 'RFC 9112, 6.2: Content-Length = 1*DIGIT'
const DIFFER =
  'RFC 9112, 6.3: an invalid Content-Length is an unrecoverable error; what differs between readers splits requests'
const OVERFLOW = 'RFC 9112, 6.3: recipients must anticipate large lengths and prevent overflow'

/** Content-Length in every form but one plain number. */
export const lengths: readonly RequestCase[] = [
  ...refused([
    ['two differing lengths', posted('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello!'), DIFFER],
    [
      'two differing lengths, the smaller last',
      posted('Content-Length: 6\r\nContent-Length: 5\r\n', 'hello!'),
      DIFFER,
    ],
    ['two equal lengths', posted('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), DIFFER],
    [
      'two lengths apart, in other cases',
      posted('content-length: 5\r\nX: y\r\nCONTENT-LENGTH: 0\r\n', 'hello'),
      DIFFER,
    ],
    ['a list of equal lengths', posts('5,5'), DIFFER],
    ['a list of equal lengths with a space', posts('5, 5'), DIFFER],
    ['a list of differing lengths', posts('5, 0'), DIFFER],
    ['a list with an empty element', posts('5,'), DIFFER],
    ['a list that begins empty', posts(',5'), DIFFER],
    ['a length with a plus', posts('+5'), DIGITS],
    ['a length with a minus', posts('-5'), DIGITS],
    ['minus nought', posts('-0', ''), DIGITS],
    ['a space inside', posts('5 5'), DIGITS],
    ['a tab inside', posts('5\t5'), DIGITS],
    ['a length in hex', posts('0x5'), DIGITS],
    ['hex letters', posts('a', '0123456789'), DIGITS],
    ['a decimal point', posts('5.0'), DIGITS],
    ['an exponent', posts('5e0'), DIGITS],
    ['an underscore', posts('1_0'), DIGITS],
    ['a quoted length', posts('"5"'), DIGITS],
    ['a length with a parameter', posts('5;a=b'), DIGITS],
    ['a length with text behind', posts('5 bytes'), DIGITS],
    ['no digits', posts(''), DIGITS],
    ['only white space', posts(' \t'), DIGITS],
    ['a vertical tab before the digits', posts('\x0b5'), DIGITS],
    ['a form feed after the digits', posts('5\x0c'), DIGITS],
    ['a NUL after the digits', posts('5\0'), DIGITS],
    ['a no-break space before the digits', posts('\xa05'), DIGITS],
    ['superscript digits', posts('\xb2'), DIGITS],
    ['full-width digits', posts('\xef\xbc\x95'), DIGITS],
    ['more than 64 bits', posts('18446744073709551621'), OVERFLOW],
    ['just 2^64', posts('18446744073709551616'), OVERFLOW],
    ['a length of 40 digits', posts('9'.repeat(40)), OVERFLOW],
    ['a negative length in a GET', got('Content-Length: -1\r\n'), DIGITS],
    ['a lettered length in a HEAD', head('HEAD /x HTTP/1.1', 'Content-Length: no\r\n'), DIGITS],
    [
      'a length folded over two lines',
      posted('Content-Length: 5\r\n 5\r\n', 'hello'),
      'RFC 9112, 5.2: obs-fold in a request is refused',
    ],
    [
      'a length whose name has a space behind',
      posted('Content-Length : 5\r\n', 'hello'),
      'RFC 9112, 5.1: white space between name and colon is refused with 400',
    ],
    [
      'a length whose name has a tab behind',
      posted('Content-Length\t: 5\r\n', 'hello'),
      'RFC 9112, 5.1: white space between name and colon is refused with 400',
    ],
  ]),
  ...passed([
    ['no length', head('POST /x HTTP/1.1'), 'RFC 9112, 6.3: no body', { method: 'POST', body: '' }],
    ['nought', posts('0', ''), 'RFC 9112, 6.2', { method: 'POST', body: '' }],
    [
      'a length in odd case',
      posted('cOnTeNt-LeNgTh: 5\r\n', 'hello'),
      'RFC 9110, 5.1: names have no case',
      { body: 'hello' },
    ],
    [
      'white space around a length',
      posts(' \t5 '),
      'RFC 9112, 5: OWS is no part of the value',
      { body: 'hello' },
    ],
    [
      'no space before a length',
      posted('Content-Length:5\r\n', 'hello'),
      'RFC 9112, 5: OWS is optional',
      { body: 'hello' },
    ],
    [
      'a GET with a body',
      got('Content-Length: 5\r\n') + 'hello',
      'RFC 9110, 9.3.1: framed all the same',
      { method: 'GET', body: 'hello' },
    ],
    [
      'a DELETE with a body',
      head('DELETE /x HTTP/1.1', 'Content-Length: 5\r\n') + 'hello',
      'RFC 9110, 9.3.5',
      { method: 'DELETE', body: 'hello' },
    ],
    [
      'a HEAD with a body',
      head('HEAD /x HTTP/1.1', 'Content-Length: 5\r\n') + 'hello',
      'RFC 9110, 9.3.2: framed all the same',
      { method: 'HEAD', body: 'hello' },
    ],
    [
      'a body that looks like a request',
      posts('26', 'GET /evil HTTP/1.1\r\nA: b\r\n'),
      'RFC 9112, 6.3: its bytes are counted, not read',
      { body: 'GET /evil HTTP/1.1\r\nA: b\r\n' },
    ],
  ]),
  ...inert([
    [
      'a tab behind a length',
      posts('5\t'),
      'RFC 9112, 5: OWS is no part of the value; some readers take it for one',
      { body: 'hello' },
    ],
    ['a length with leading noughts', posts('0005'), 'RFC 9112, 6.2 allows them', { body: 'hello' }],
    [
      'a length that Connection lists',
      posted('Connection: content-length\r\nContent-Length: 5\r\n', 'hello'),
      'RFC 9110, 7.6.1: Connection must not list what is meant for all; the body stays framed',
      { body: 'hello' },
    ],
    [
      'a length that Connection lists besides close',
      posted(
        'Connection: close, Content-Length\r\nContent-Length: 28\r\n',
        'GET /evil HTTP/1.1\r\nA: b\r\n\r\n',
      ),
      'RFC 9110, 7.6.1: without its length the body would be read as the next request',
      { body: 'GET /evil HTTP/1.1\r\nA: b\r\n\r\n' },
    ],
  ]),
]
