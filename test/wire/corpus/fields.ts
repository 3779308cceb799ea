import { got, passed, refused, type RequestCase } from './case.ts'

const NAME = 'RFC 9110, 5.1: field-name = token'
const SPACE = 'RFC 9112, 5.1: white space between name and colon is refused with 400'
const FOLD = 'RFC 9112, 5.2: obs-fold in a request is refused'
const FIRST = 'RFC 9112, 2.2: white space between the request line and the first field is refused'
const VALUE = 'RFC 9110, 5.5: CR, LF, NUL and control characters are no part of a value'
const OPAQUE = 'RFC 9110, 5.5: obs-text is passed on as it is'

/** Names, colons and values of header fields. */
export const headerFields: readonly RequestCase[] = [
  ...refused([
    ['no colon', got('X-Y\r\n'), NAME],
    ['no colon but a value', got('X-Y z\r\n'), NAME],
    ['an empty name', got(': y\r\n'), NAME],
    ['nothing but a colon', got(':\r\n'), NAME],
    ['a space for a name', got(' : y\r\n'), FOLD],
    ['a space before the colon', got('X-Y : z\r\n'), SPACE],
    ['a tab before the colon', got('X-Y\t: z\r\n'), SPACE],
    ['a vertical tab before the colon', got('X-Y\x0b: z\r\n'), NAME],
    ['a space in a name', got('X Y: z\r\n'), NAME],
    ['a NUL in a name', got('X\0Y: z\r\n'), NAME],
    ['a control character in a name', got('X\x01Y: z\r\n'), NAME],
    ['DEL in a name', got('X\x7fY: z\r\n'), NAME],
    ['a high byte in a name', got('X\xe9Y: z\r\n'), NAME],
    ['a parenthesis in a name', got('X(Y: z\r\n'), NAME],
    ['a slash in a name', got('X/Y: z\r\n'), NAME],
    ['a comma in a name', got('X,Y: z\r\n'), NAME],
    ['a semicolon in a name', got('X;Y: z\r\n'), NAME],
    ['an at sign in a name', got('X@Y: z\r\n'), NAME],
    ['brackets in a name', got('X[Y]: z\r\n'), NAME],
    ['braces in a name', got('X{Y}: z\r\n'), NAME],
    ['an equals sign in a name', got('X=Y: z\r\n'), NAME],
    ['a question mark in a name', got('X?Y: z\r\n'), NAME],
    ['a backslash in a name', got('X\\Y: z\r\n'), NAME],
    ['a name in quotes', got('"X": z\r\n'), NAME],
    ['an angle bracket in a name', got('X<Y: z\r\n'), NAME],
    ['bare CR in a name', got('X\rY: z\r\n'), NAME],
    ['a folded field', got('X-Y: z\r\n more\r\n'), FOLD],
    ['a field folded with a tab', got('X-Y: z\r\n\tmore\r\n'), FOLD],
    ['a field folded over an empty line', got('X-Y: z\r\n \r\nA: b\r\n'), FOLD],
    ['an empty value that is folded', got('X-Y:\r\n z\r\n'), FOLD],
    ['a field folded thrice', got('X-Y: a\r\n b\r\n c\r\n d\r\n'), FOLD],
    ['white space as the last line', got('X-Y: a\r\n \r\n'), FOLD],
    ['a space before the first field', 'GET /x HTTP/1.1\r\n Host: iris.ml.localhost\r\n\r\n', FIRST],
    ['a tab before the first field', 'GET /x HTTP/1.1\r\n\tHost: iris.ml.localhost\r\n\r\n', FIRST],
    [
      'a line of white space before the first field',
      'GET /x HTTP/1.1\r\n \r\nHost: iris.ml.localhost\r\n\r\n',
      FIRST,
    ],
    ['a NUL in a value', got('X-Y: a\0b\r\n'), VALUE],
    ['a NUL as a value', got('X-Y: \0\r\n'), VALUE],
    ['a bell in a value', got('X-Y: a\x07b\r\n'), VALUE],
    ['the first control character in a value', got('X-Y: a\x01b\r\n'), VALUE],
    ['an escape in a value', got('X-Y: \x1b[31m\r\n'), VALUE],
    ['a vertical tab in a value', got('X-Y: a\x0bb\r\n'), VALUE],
    ['a form feed in a value', got('X-Y: a\x0cb\r\n'), VALUE],
    ['the last control character in a value', got('X-Y: a\x1fb\r\n'), VALUE],
    ['DEL in a value', got('X-Y: a\x7fb\r\n'), VALUE],
    ['bare CR in a value', got('X-Y: a\rb\r\n'), VALUE],
    ['bare CR and a field in a value', got('X-Y: a\rX-Evil: b\r\n'), VALUE],
    ['bare CR at the end of a value', got('X-Y: a\r\r\n'), VALUE],
    ['bare CR as a value', got('X-Y:\r\r\n'), VALUE],
    ['bare CR before a value', got('X-Y:\rz\r\n'), VALUE],
    ['a request line among the fields', got('GET /evil HTTP/1.1\r\n'), NAME],
  ]),
  ...passed([
    ['an empty value', got('X-Y:\r\n'), 'RFC 9110, 5.5: field-value may be empty', { fields: { 'x-y': '' } }],
    [
      'an empty value as the last, and a request behind',
      got('X-Y:\r\n') + got('X-Y: z\r\n'),
      'RFC 9110, 5.5',
      [{ fields: { 'x-y': '' } }, { fields: { 'x-y': 'z' } }],
    ],
    [
      'an empty value as the last, and a body of lines',
      `POST /x HTTP/1.1\r\nHost: iris.ml.localhost\r\nContent-Length: 8\r\nX-Y:\r\n\r\n\r\n\r\n\r\n\r\n`,
      'RFC 9110, 5.5',
      { body: '\r\n\r\n\r\n\r\n', fields: { 'x-y': '' } },
    ],
    [
      'empty values all along',
      got('A:\r\nB: \r\nC:\t\r\nD: \t \r\n'),
      'RFC 9110, 5.5',
      { fields: { a: '', b: '', c: '', d: '' } },
    ],
    [
      'a value of white space',
      got('X-Y: \t \r\n'),
      'RFC 9112, 5: OWS is no part of the value',
      { fields: { 'x-y': '' } },
    ],
    [
      'white space around a value',
      got('X-Y: \t a b \t\r\n'),
      'RFC 9112, 5: OWS is no part of the value',
      { fields: { 'x-y': 'a b' } },
    ],
    ['no white space', got('X-Y:z\r\n'), 'RFC 9112, 5: OWS is optional', { fields: { 'x-y': 'z' } }],
    [
      'a tab in a value',
      got('X-Y: a\tb\r\n'),
      'RFC 9110, 5.5: field-content has HTAB',
      { fields: { 'x-y': 'a\tb' } },
    ],
    ['Latin-1 in a value', got('X-Y: caf\xe9\r\n'), OPAQUE, { fields: { 'x-y': 'caf\xe9' } }],
    ['UTF-8 in a value', got('X-Y: caf\xc3\xa9\r\n'), OPAQUE, { fields: { 'x-y': 'caf\xc3\xa9' } }],
    [
      'all of obs-text',
      got(`X-Y: ${allFrom(0x80, 0xff)}\r\n`),
      OPAQUE,
      { fields: { 'x-y': allFrom(0x80, 0xff) } },
    ],
    ['a high byte at each end', got('X-Y: \xa0a\x85\r\n'), OPAQUE, { fields: { 'x-y': '\xa0a\x85' } }],
    [
      'all visible characters',
      got(`X-Y: ${allFrom(0x21, 0x7e)}\r\n`),
      'RFC 9110, 5.5: VCHAR',
      { fields: { 'x-y': allFrom(0x21, 0x7e) } },
    ],
    [
      'every character of a token',
      got("!#$%&'*+-.^_`|~09azAZ: z\r\n"),
      NAME,
      { fields: { "!#$%&'*+-.^_`|~09azaz": 'z' } },
    ],
    ['a name of one letter', got('X: z\r\n'), NAME, { fields: { x: 'z' } }],
    ['colons in a value', got('X-Y: :a:b:\r\n'), 'RFC 9110, 5.5', { fields: { 'x-y': ':a:b:' } }],
    [
      'a field twice',
      got('X-Y: a\r\nX-Y: b\r\n'),
      'RFC 9110, 5.3: order stays',
      { fields: { 'x-y': 'a, b' } },
    ],
    [
      'a field thrice in other cases',
      got('x-y: a\r\nX-Z: c\r\nX-Y: b\r\n'),
      'RFC 9110, 5.3: order stays',
      { fields: { 'x-y': 'a, b', 'x-z': 'c' } },
    ],
    [
      '90 small fields',
      got('X-N: 1\r\n'.repeat(90)),
      'no more than may be',
      { fields: { 'x-n': Array.from({ length: 90 }, () => '1').join(', ') } },
    ],
    [
      'a value of 20,000 bytes',
      got(`X-Y: ${'z'.repeat(20_000)}\r\n`),
      'no more than may be',
      { fields: { 'x-y': 'z'.repeat(20_000) } },
    ],
    ['a name of 200 bytes', got(`${'n'.repeat(200)}: z\r\n`), NAME, { fields: { ['n'.repeat(200)]: 'z' } }],
    [
      'names that every object has',
      got('__proto__: a\r\nconstructor: b\r\ntoString: c\r\n'),
      NAME,
      { fields: { constructor: 'b', tostring: 'c' } },
    ],
  ]),
]

function allFrom(first: number, last: number): string {
  return String.fromCharCode(...Array.from({ length: last - first + 1 }, (_, at) => first + at))
}
