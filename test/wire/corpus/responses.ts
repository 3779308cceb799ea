import { answered, broken, chunks, counted, gone, heard, invalid, type AnswerCase } from './answers.ts'

const LINE = 'RFC 9112, 4: version SP three digits SP reason'
const STATUS = 'RFC 9110, 15: status codes are 100 to 599'
const FIELD = 'RFC 9112, 5 and RFC 9110, 5.5: names are tokens, values hold no control characters'
const SPACE = 'RFC 9112, 5.1: white space before the colon may not be passed on'
const FOLD = 'RFC 9112, 5.2: obs-fold may not be passed on'
const LENGTH = 'RFC 9112, 6.3: an invalid Content-Length in an answer is a 502'
const BOTH = 'RFC 9112, 6.3: Transfer-Encoding with Content-Length ought to be handled as an error'
const CODING = 'RFC 9112, 6.1: a transfer coding that was not asked for'
const CHUNK = 'RFC 9112, 8: a chunked message without its last chunk is incomplete'
const EARLY = 'RFC 9112, 8: fewer bytes than Content-Length says is incomplete'
const EXTRA = 'RFC 9112, 9.2: bytes behind an answer are never the answer to the next request'
const NO_BODY = 'RFC 9112, 6.3: HEAD, 1xx, 204 and 304 have no body, whatever their fields say'
const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Evil: y\r\n\r\nevil'

/** Answers of a replica that are malformed, ambiguous, cut short or only odd. */
export const answerThemes: Readonly<Record<string, readonly AnswerCase[]>> = {
  'the status line': [
    ...invalid([
      ['text', 'hello\r\n\r\n', LINE],
      ['a request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', LINE],
      ['HTTP/2.0', counted('', 'HTTP/2.0 200 OK'), LINE],
      ['HTTP/0.9', counted('', 'HTTP/0.9 200 OK'), LINE],
      ['HTTP/1.2', counted('', 'HTTP/1.2 200 OK'), LINE],
      ['lower-case http', counted('', 'http/1.1 200 OK'), LINE],
      ['RTSP', counted('', 'RTSP/1.0 200 OK'), LINE],
      ['no version', counted('', '200 OK'), LINE],
      ['no space behind the version', counted('', 'HTTP/1.1200 OK'), LINE],
      ['a tab behind the version', counted('', 'HTTP/1.1\t200 OK'), LINE],
      ['a status of two digits', counted('', 'HTTP/1.1 20 OK'), STATUS],
      ['a status of four digits', counted('', 'HTTP/1.1 2000 OK'), STATUS],
      ['a lettered status', counted('', 'HTTP/1.1 OK OK'), STATUS],
      ['a negative status', counted('', 'HTTP/1.1 -20 OK'), STATUS],
      ['status 000', counted('', 'HTTP/1.1 000 OK'), STATUS],
      ['status 099', counted('', 'HTTP/1.1 099 OK'), STATUS],
      ['status 600', counted('', 'HTTP/1.1 600 OK'), STATUS],
      ['status 999', counted('', 'HTTP/1.1 999 OK'), STATUS],
      ['bare LF behind the status line', 'HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok', LINE],
      ['bare CR in the reason', counted('', 'HTTP/1.1 200 O\rX-Evil: y'), LINE],
      [
        'a switch of protocols nobody asked for',
        answered('Connection: Upgrade\r\nUpgrade: websocket\r\n', 'evil', 'HTTP/1.1 101 Switching Protocols'),
        'RFC 9110, 15.2.2: only what was asked for',
      ],
    ]),
    ...gone(
      [
        ['nothing', '', 'RFC 9112, 8'],
        ['half a status line', 'HTTP/1.1 20', 'RFC 9112, 8'],
        ['half a head', 'HTTP/1.1 200 OK\r\nContent-Le', 'RFC 9112, 8'],
        ['100 and no more', 'HTTP/1.1 100 Continue\r\n\r\n', 'RFC 9112, 8'],
      ],
      { after: 'end' },
    ),
    ...gone([['a reset in the head', 'HTTP/1.1 200 OK\r\nContent-Le', 'RFC 9112, 8']], { after: 'reset' }),
    ...heard([
      ['no reason', counted('', 'HTTP/1.1 200 '), LINE, {}],
      ['no reason and no space', counted('', 'HTTP/1.1 200'), LINE, {}],
      ['a reason beyond ASCII', counted('', 'HTTP/1.1 200 caf\xe9'), LINE, {}],
      ['an unknown status', counted('', 'HTTP/1.1 299 Odd'), STATUS, { status: 299 }],
      ['status 599', counted('', 'HTTP/1.1 599 Odd'), STATUS, { status: 599 }],
      [
        'HTTP/1.0 that keeps alive',
        counted('Connection: keep-alive\r\n', 'HTTP/1.0 200 OK'),
        'RFC 9112, 9.3',
        { fields: { connection: undefined } },
      ],
      [
        'early hints before it',
        `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${counted('')}`,
        'RFC 8297',
        {},
      ],
      [
        '100 that nobody waits for',
        `HTTP/1.1 100 Continue\r\n\r\n${counted('')}`,
        'RFC 9110, 15.2: a client has to take it, a proxy may drop it',
        {},
      ],
    ]),
  ],
  fields: [
    ...invalid([
      ['no colon', counted('X-Evil\r\n'), FIELD],
      ['an empty name', counted(': y\r\n'), FIELD],
      ['a space in a name', counted('X Evil: y\r\n'), FIELD],
      ['a NUL in a name', counted('X\0Evil: y\r\n'), FIELD],
      ['a space before the colon', counted('X-Evil : y\r\n'), SPACE],
      ['a folded field', counted('X-Evil: y\r\n z\r\n'), FOLD],
      [
        'a space before the first field',
        'HTTP/1.1 200 OK\r\n X-Evil: y\r\nContent-Length: 2\r\n\r\nok',
        FIELD,
      ],
      ['a NUL in a value', counted('X-Evil: a\0b\r\n'), FIELD],
      ['a control character in a value', counted('X-Evil: a\x01b\r\n'), FIELD],
      ['DEL in a value', counted('X-Evil: a\x7fb\r\n'), FIELD],
      ['bare CR in a value', counted('X-Evil: a\rSet-Cookie: b\r\n'), FIELD],
      ['bare LF in a value', counted('X-Evil: a\nSet-Cookie: b\r\n'), FIELD],
      ['bare LF as the empty line', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok', FIELD],
      [
        'a head of 300,000 bytes',
        counted(`X-Evil: ${'y'.repeat(300_000)}\r\n`),
        'heads of answers are bounded too: 256 KiB',
      ],
      [
        '1,001 fields',
        counted('X-Evil: y\r\n'.repeat(1_000)),
        'heads of answers are bounded too: 1,000 fields',
      ],
    ]),
    ...heard([
      [
        'bytes beyond ASCII',
        counted('X-Y: caf\xe9\r\n'),
        'RFC 9110, 5.5: obs-text is passed on',
        { fields: { 'x-y': 'caf\xe9' } },
      ],
      ['an empty value', counted('X-Y:\r\n'), 'RFC 9110, 5.5', { fields: { 'x-y': '' } }],
      ['a field twice', counted('X-Y: a\r\nx-y: b\r\n'), 'RFC 9110, 5.3', { fields: { 'x-y': 'a, b' } }],
      [
        'a field that Connection lists',
        counted('Connection: X-Secret\r\nX-Secret: y\r\n'),
        'RFC 9110, 7.6.1',
        { fields: { 'x-secret': undefined } },
      ],
      [
        'a length that Connection lists',
        counted('Connection: content-length\r\n'),
        'RFC 9110, 7.6.1: the body stays framed',
        {},
      ],
      [
        'fields of one connection',
        counted('Keep-Alive: timeout=9\r\nProxy-Connection: close\r\nProxy-Authenticate: Basic\r\n'),
        'RFC 9110, 7.6.1',
        { fields: { 'proxy-connection': undefined, 'proxy-authenticate': undefined } },
      ],
      [
        'a forged revision',
        counted('X-Pilotlight-Revision: evil\r\n'),
        'our own fields say what we know',
        { fields: { 'x-pilotlight-revision': 'ml/iris-predictor-00001' } },
      ],
    ]),
  ],
  lengths: [
    ...invalid([
      ['two differing lengths', answered('Content-Length: 2\r\nContent-Length: 3\r\n', 'okk'), LENGTH],
      ['two equal lengths', answered('Content-Length: 2\r\nContent-Length: 2\r\n', 'ok'), LENGTH],
      ['a list of lengths', answered('Content-Length: 2, 2\r\n', 'ok'), LENGTH],
      ['a length with a plus', answered('Content-Length: +2\r\n', 'ok'), LENGTH],
      ['a negative length', answered('Content-Length: -2\r\n', 'ok'), LENGTH],
      ['a length in hex', answered('Content-Length: 0x2\r\n', 'ok'), LENGTH],
      ['an empty length', answered('Content-Length:\r\n', 'ok'), LENGTH],
      ['more than 64 bits', answered('Content-Length: 18446744073709551618\r\n', 'ok'), LENGTH],
      [
        'chunked and a length',
        answered('Transfer-Encoding: chunked\r\nContent-Length: 2\r\n', '2\r\nok\r\n0\r\n\r\n'),
        BOTH,
      ],
      [
        'a length and chunked',
        answered('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', '2\r\nok\r\n0\r\n\r\n'),
        BOTH,
      ],
      ['gzip', answered('Transfer-Encoding: gzip\r\n', 'ok'), CODING],
      ['identity', answered('Transfer-Encoding: identity\r\n', 'ok'), CODING],
      ['gzip, chunked', answered('Transfer-Encoding: gzip, chunked\r\n', '2\r\nok\r\n0\r\n\r\n'), CODING],
      [
        'chunked twice',
        answered('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '2\r\nok\r\n0\r\n\r\n'),
        CODING,
      ],
      ['xchunked', answered('Transfer-Encoding: xchunked\r\n', '2\r\nok\r\n0\r\n\r\n'), CODING],
      [
        'chunked in HTTP/1.0',
        answered('Transfer-Encoding: chunked\r\n', '2\r\nok\r\n0\r\n\r\n', 'HTTP/1.0 200 OK'),
        'RFC 9112, 6.1: faulty framing',
      ],
    ]),
    ...broken([['fewer bytes than its length', answered('Content-Length: 10\r\n', 'ok'), EARLY]], {
      after: 'end',
    }),
    ...broken([['a reset before its length', answered('Content-Length: 10\r\n', 'ok'), EARLY]], {
      after: 'reset',
    }),
    ...broken([['a reset while only the end tells', answered('', 'ok'), EARLY]], { after: 'reset' }),
    ...broken([['a reset while only the end tells, to HTTP/1.0', answered('', 'ok'), EARLY]], {
      after: 'reset',
      version: '1.0',
    }),
    ...heard(
      [
        ['no length', answered('', 'ok'), 'RFC 9112, 6.3: the end of the connection is the end', {}],
        ['no length in HTTP/1.0', answered('', 'ok', 'HTTP/1.0 200 OK'), 'RFC 9112, 6.3', {}],
        ['no length and nothing', answered(''), 'RFC 9112, 6.3', { body: '' }],
      ],
      { after: 'end' },
    ),
    ...heard([['no length, to HTTP/1.0', answered('', 'ok'), 'RFC 9112, 6.3', {}]], {
      after: 'end',
      version: '1.0',
    }),
    ...heard([
      ['a second answer behind it', counted('') + evil, EXTRA, {}],
      ['a second answer behind length nought', answered('Content-Length: 0\r\n', evil), EXTRA, { body: '' }],
      ['text behind it', `${counted('')}evil`, EXTRA, {}],
      ['a CRLF behind it', `${counted('')}\r\n`, EXTRA, {}],
      [
        '204 with a body',
        answered('Content-Length: 4\r\n', 'evil', 'HTTP/1.1 204 No Content'),
        NO_BODY,
        { status: 204, body: '' },
      ],
      [
        '204 with chunks',
        answered('Transfer-Encoding: chunked\r\n', '4\r\nevil\r\n0\r\n\r\n', 'HTTP/1.1 204 No Content'),
        NO_BODY,
        { status: 204, body: '' },
      ],
      [
        '304 with a body',
        answered('Content-Length: 4\r\n', 'evil', 'HTTP/1.1 304 Not Modified'),
        NO_BODY,
        { status: 304, body: '' },
      ],
      [
        '304 with a length',
        answered('Content-Length: 4\r\nETag: "a"\r\n', '', 'HTTP/1.1 304 Not Modified'),
        NO_BODY,
        { status: 304, body: '', fields: { etag: '"a"' } },
      ],
    ]),
    ...heard([['a body for HEAD', answered('Content-Length: 4\r\n', 'evil'), NO_BODY, { body: '' }]], {
      method: 'HEAD',
    }),
    ...heard(
      [
        [
          'Trailer for HEAD',
          answered('Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n'),
          NO_BODY,
          { body: '' },
        ],
      ],
      { method: 'HEAD' },
    ),
    ...heard(
      [
        [
          'a length for HEAD',
          answered('Content-Length: 4\r\n'),
          NO_BODY,
          { body: '', fields: { 'content-length': '4' } },
        ],
      ],
      { method: 'HEAD' },
    ),
    ...heard([['chunked for HEAD', answered('Transfer-Encoding: chunked\r\n'), NO_BODY, { body: '' }]], {
      method: 'HEAD',
    }),
  ],
  'chunked bodies': [
    ...broken([
      ['no size', chunks('2\r\nok\r\n\r\n'), CHUNK],
      ['a lettered size', chunks('2\r\nok\r\nzz\r\n'), CHUNK],
      ['a size with a minus', chunks('2\r\nok\r\n-1\r\n'), CHUNK],
      ['a size with 0x', chunks('2\r\nok\r\n0x1\r\ny\r\n0\r\n\r\n'), CHUNK],
      ['a size beyond 64 bits', chunks('2\r\nok\r\n10000000000000001\r\ny\r\n0\r\n\r\n'), CHUNK],
      ['a space behind the size', chunks('2 \r\nok\r\n0\r\n\r\n'), CHUNK],
      ['bare LF behind the size', chunks('2\nok\r\n0\r\n\r\n'), CHUNK],
      ['bare CR behind the size', chunks('2\rok\r\n0\r\n\r\n'), CHUNK],
      ['no CRLF behind the data', chunks('2\r\nok0\r\n\r\n'), CHUNK],
      ['more data than its size', chunks('2\r\nokay\r\n0\r\n\r\n'), CHUNK],
      ['a NUL in an extension', chunks('2;a\0\r\nok\r\n0\r\n\r\n'), CHUNK],
      ['an extension of 5,000 bytes', chunks(`2;${'a'.repeat(5_000)}\r\nok\r\n0\r\n\r\n`), CHUNK],
      ['a NUL in a trailer', chunks('2\r\nok\r\n0\r\nX: \0\r\n\r\n'), CHUNK],
      ['a space before the colon of a trailer', chunks('2\r\nok\r\n0\r\nX : y\r\n\r\n'), CHUNK],
      ['a folded trailer', chunks('2\r\nok\r\n0\r\nX: y\r\n z\r\n\r\n'), CHUNK],
      ['a trailer of 100,000 bytes', chunks(`2\r\nok\r\n0\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`), CHUNK],
    ]),
    ...broken(
      [
        ['an end before the last chunk', chunks('2\r\nok\r\n'), CHUNK],
        ['an end in a chunk', chunks('5\r\nok'), CHUNK],
        ['an end in a size', chunks('2\r\nok\r\n5'), CHUNK],
        ['an end in the trailers', chunks('2\r\nok\r\n0\r\nX: y\r\n'), CHUNK],
        ['an end before the last line', chunks('2\r\nok\r\n0\r\n'), CHUNK],
      ],
      { after: 'end' },
    ),
    ...broken([['a reset in a chunk', chunks('5\r\nok'), CHUNK]], { after: 'reset' }),
    ...heard([
      ['one chunk', chunks('2\r\nok\r\n0\r\n\r\n'), 'RFC 9112, 7.1', {}],
      [
        'Chunked in other case',
        answered('transfer-encoding: Chunked\r\n', '2\r\nok\r\n0\r\n\r\n'),
        'RFC 9112, 7',
        {},
      ],
      ['chunks of one byte', chunks('1\r\no\r\n01\r\nk\r\n0\r\n\r\n'), 'RFC 9112, 7.1', {}],
      ['an extension', chunks('2;a=b\r\nok\r\n0;c\r\n\r\n'), 'RFC 9112, 7.1.1', {}],
      ['a trailer', chunks('2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n'), 'RFC 9112, 7.1.2', {}],
      ['a second answer behind the last chunk', chunks('2\r\nok\r\n0\r\n\r\n') + evil, EXTRA, {}],
      ['another last chunk behind it', chunks('2\r\nok\r\n0\r\n\r\n0\r\n\r\n'), EXTRA, {}],
    ]),
    ...heard(
      [
        [
          'chunks for HTTP/1.0',
          chunks('2\r\nok\r\n0\r\n\r\n'),
          'RFC 9112, 7.1: HTTP/1.0 knows no chunks',
          {},
        ],
      ],
      { version: '1.0' },
    ),
  ],
}
