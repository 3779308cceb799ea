import { head, inert, passed, posted, refused, type RequestCase } from './case.ts'

const BODY = '5\r\nhello\r\n0\r\n\r\n'
const coded = (lines: string): string => posted(lines, BODY)
const te = (value: string): string => coded(`Transfer-Encoding: ${value}\r\n`)

const BOTH = 'RFC 9112, 6.1 and 11.2: Transfer-Encoding with Content-Length is an attempt at smuggling'
const UNKNOWN = 'RFC 9112, 6.1: a transfer coding that is not understood; only chunked is'
const FINAL = 'RFC 9112, 6.3: chunked must be the final coding, and there once'
const OLD = 'RFC 9112, 6.1: Transfer-Encoding in HTTP/1.0 is faulty framing'
const TOKEN = 'RFC 9112, 7: transfer-coding is a token with parameters, and chunked has none'

/** Transfer-Encoding in every form but plain `chunked`. */
export const transferEncodings: readonly RequestCase[] = [
  ...refused([
    ['a length, then chunked', coded('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'), BOTH],
    ['chunked, then a length', coded('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n'), BOTH],
    ['chunked and the right length', coded('Transfer-Encoding: chunked\r\nContent-Length: 15\r\n'), BOTH],
    ['chunked and length nought', coded('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n'), BOTH],
    ['identity and a length', posted('Transfer-Encoding: identity\r\nContent-Length: 5\r\n', 'hello'), BOTH],
    ['chunked in odd case and a length', coded('Content-Length: 5\r\nTRANSFER-ENCODING: cHuNkEd\r\n'), BOTH],
    [
      'chunked, with a length that Connection lists',
      coded('Connection: content-length\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n'),
      BOTH,
    ],
    ['identity', te('identity'), UNKNOWN],
    ['gzip', te('gzip'), UNKNOWN],
    ['gzip, chunked', te('gzip, chunked'), UNKNOWN],
    [
      'gzip and chunked in two fields',
      coded('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n'),
      UNKNOWN,
    ],
    ['identity, chunked', te('identity, chunked'), UNKNOWN],
    ['chunked, identity', te('chunked, identity'), FINAL],
    ['chunked, gzip', te('chunked, gzip'), FINAL],
    ['chunked twice in a list', te('chunked, chunked'), FINAL],
    ['chunked in two fields', coded('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'), FINAL],
    [
      'chunked and identity in two fields',
      coded('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n'),
      FINAL,
    ],
    ['chunked and an empty field', coded('Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n'), FINAL],
    ['xchunked', te('xchunked'), UNKNOWN],
    ['chunkedx', te('chunkedx'), UNKNOWN],
    ['x-chunked', te('x-chunked'), UNKNOWN],
    ['chunk', te('chunk'), UNKNOWN],
    ['chunked with a parameter', te('chunked;q=1'), TOKEN],
    ['chunked with a bare semicolon', te('chunked;'), TOKEN],
    ['chunked with a comma behind', te('chunked,'), TOKEN],
    ['chunked with a comma before', te(',chunked'), TOKEN],
    ['chunked in quotes', te('"chunked"'), TOKEN],
    ['chunked in single quotes', te("'chunked'"), TOKEN],
    ['a space in chunked', te('chun ked'), TOKEN],
    ['a word before chunked', te('x chunked'), TOKEN],
    ['a word behind chunked', te('chunked x'), TOKEN],
    ['a colon before chunked', te(': chunked'), TOKEN],
    ['a vertical tab before chunked', te('\x0bchunked'), 'RFC 9110, 5.5: control characters in a value'],
    ['a form feed behind chunked', te('chunked\x0c'), 'RFC 9110, 5.5: control characters in a value'],
    ['a NUL before chunked', te('\0chunked'), 'RFC 9110, 5.5: NUL in a value'],
    ['a no-break space before chunked', te('\xa0chunked'), TOKEN],
    ['an o-umlaut in chunked', te('ch\xfcnked'), TOKEN],
    ['an empty coding', te(''), UNKNOWN],
    [
      'chunked folded on the next line',
      coded('Transfer-Encoding:\r\n chunked\r\n'),
      'RFC 9112, 5.2: obs-fold in a request is refused',
    ],
    [
      'a field before, folded into chunked',
      coded('X: y\r\n\tTransfer-Encoding: chunked\r\n'),
      'RFC 9112, 5.2: obs-fold in a request is refused',
    ],
    ['a space before the colon', coded('Transfer-Encoding : chunked\r\n'), 'RFC 9112, 5.1: refused with 400'],
    ['a tab before the colon', coded('Transfer-Encoding\t: chunked\r\n'), 'RFC 9112, 5.1: refused with 400'],
    [
      'chunked in HTTP/1.0',
      head('POST /serving/ml/iris/x HTTP/1.0', 'Transfer-Encoding: chunked\r\n') + BODY,
      OLD,
    ],
    [
      'chunked in HTTP/1.0 that keeps alive',
      head('POST /x HTTP/1.0', 'Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n') + BODY,
      OLD,
    ],
    [
      'chunked and a length in HTTP/1.0',
      head('POST /x HTTP/1.0', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n') + BODY,
      OLD,
    ],
  ]),
  ...passed([
    ['Chunked in other case', te('Chunked'), 'RFC 9112, 7: names of codings have no case', { body: 'hello' }],
    ['CHUNKED', te('CHUNKED'), 'RFC 9112, 7: names of codings have no case', { body: 'hello' }],
    [
      'white space around chunked',
      te(' \tchunked '),
      'RFC 9112, 5: OWS is no part of the value',
      { body: 'hello' },
    ],
    [
      'a tab instead of a space',
      coded('Transfer-Encoding:\tchunked\r\n'),
      'RFC 9112, 5: OWS',
      { body: 'hello' },
    ],
    ['no space', coded('Transfer-Encoding:chunked\r\n'), 'RFC 9112, 5: OWS is optional', { body: 'hello' }],
    [
      'a chunked GET',
      head('GET /x HTTP/1.1', 'Transfer-Encoding: chunked\r\n') + BODY,
      'RFC 9112, 6.3',
      { method: 'GET', body: 'hello' },
    ],
    [
      'a chunked DELETE',
      head('DELETE /x HTTP/1.1', 'Transfer-Encoding: chunked\r\n') + BODY,
      'RFC 9112, 6.3',
      { method: 'DELETE', body: 'hello' },
    ],
    [
      'a chunked OPTIONS',
      head('OPTIONS /x HTTP/1.1', 'Transfer-Encoding: chunked\r\n') + BODY,
      'RFC 9112, 6.3',
      { method: 'OPTIONS', body: 'hello' },
    ],
  ]),
  ...inert([
    [
      'a tab behind chunked',
      te('chunked\t'),
      'RFC 9112, 5: OWS is no part of the value; some readers take it for one',
      { body: 'hello' },
    ],
    [
      'chunked that Connection lists',
      coded('Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n'),
      'RFC 9110, 7.6.1: the body stays framed whatever Connection lists',
      { body: 'hello' },
    ],
    [
      'a field that looks like Transfer-Encoding',
      posted('Transfer_Encoding: chunked\r\nContent-Length: 5\r\n', 'hello'),
      'RFC 9110, 5.1: another name; the body is framed by its length',
      { body: 'hello' },
    ],
    [
      'TE for the gateway',
      coded('TE: chunked;q=0.5, gzip\r\nTransfer-Encoding: chunked\r\n'),
      'RFC 9110, 10.1.4: TE speaks of one connection; only trailers goes on',
      { body: 'hello', fields: { te: undefined } },
    ],
  ]),
]
