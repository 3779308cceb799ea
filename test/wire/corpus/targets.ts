import { HOST } from '../../support/gateway-harness.ts'
import { head, passed, refused, type RequestCase } from './case.ts'

const get = (target: string): string => head(`GET ${target} HTTP/1.1`)
const elsewhere = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: elsewhere\r\n\r\n`
const CHARACTERS = 'RFC 9112, 3.2 and RFC 3986: a target is ASCII without blanks and control characters'
const FORM = 'RFC 9112, 3.2: origin-form, or absolute-form, or * for OPTIONS'
const URI = 'RFC 9110, 4.2 and RFC 3986, 3.2: authority of an http URI'
const MISMATCH = 'RFC 9112, 3.2.2: which host counts must not depend on the reader'
const AS_SENT = 'a path goes on as sent: whether it means the same as another is for the replica to say'
const PREFIX = 'the prefix is cut, nothing else is changed, and what is left begins with a slash'

/** What stands between method and version. */
export const targets: readonly RequestCase[] = [
  ...refused([
    ['a NUL in the target', get('/x\0y'), CHARACTERS],
    ['a control character in the target', get('/x\x01y'), CHARACTERS],
    ['a tab in the target', get('/x\ty'), CHARACTERS],
    ['a form feed in the target', get('/x\x0cy'), CHARACTERS],
    ['DEL in the target', get('/x\x7fy'), CHARACTERS],
    ['bare CR in the target', get('/x\ry'), CHARACTERS],
    ['bare LF in the target', get('/x\ny'), CHARACTERS],
    ['CRLF in the target', get('/x\r\nX-Evil: y'), CHARACTERS],
    ['UTF-8 in the target', get('/x/\xc3\xa9'), CHARACTERS],
    ['Latin-1 in the target', get('/x/\xe9'), CHARACTERS],
    ['a high byte in the query', get('/x?y=\xff'), CHARACTERS],
    ['a fragment', get('/x#y'), 'RFC 9112, 3.2: a target has no fragment'],
    ['a fragment in the query', get('/x?y#z'), 'RFC 9112, 3.2: a target has no fragment'],
    ['a backslash', get('/x\\y'), 'RFC 3986, 2: no backslash; some readers take it for a slash'],
    ['a target of one backslash', get('\\x'), FORM],
    ['asterisk-form with GET', get('*'), 'RFC 9112, 3.2.4: only OPTIONS'],
    [
      'asterisk-form with POST',
      head('POST * HTTP/1.1', 'Content-Length: 0\r\n'),
      'RFC 9112, 3.2.4: only OPTIONS',
    ],
    ['an asterisk with a path', head('OPTIONS */x HTTP/1.1'), 'RFC 9112, 3.2.4: nothing but *'],
    ['authority-form with GET', get(`${HOST}:80`), 'RFC 9112, 3.2.3: only CONNECT'],
    ['a path without a slash', get('x'), FORM],
    ['a query alone', get('?x=1'), FORM],
    ['a dot', get('.'), FORM],
    ['a percent sign', get('%2fx'), FORM],
    ['an ftp URL', get(`ftp://${HOST}/x`), 'a scheme that is not served'],
    ['a file URL', get('file:///etc/passwd'), 'a scheme that is not served'],
    ['a URL without slashes', get(`http:${HOST}/x`), FORM],
    ['a URL with one slash', get(`http:/${HOST}/x`), FORM],
    ['a URL without a host', get('http:///x'), 'RFC 9110, 4.2.1: an http URI with an empty host is invalid'],
    [
      'a URL of a port alone',
      get('http://:80/x'),
      'RFC 9110, 4.2.1: an http URI with an empty host is invalid',
    ],
    [
      'a URL with a user',
      get(`http://user@${HOST}/x`),
      'RFC 9110, 4.2.4: userinfo from untrusted sources is refused',
    ],
    ['a URL with a user and password', get(`http://user:secret@${HOST}/x`), 'RFC 9110, 4.2.4'],
    ['a URL with an empty user', get(`http://@${HOST}/x`), 'RFC 9110, 4.2.4'],
    ['a URL whose user looks like the host', get(`http://${HOST}@evil/x`), 'RFC 9110, 4.2.4'],
    ['a URL with a lettered port', get(`http://${HOST}:http/x`), URI],
    ['a URL with a port of six digits', get(`http://${HOST}:999999/x`), URI],
    ['a URL with port 65536', get(`http://${HOST}:65536/x`), URI],
    ['a URL with a negative port', get(`http://${HOST}:-80/x`), URI],
    ['a URL with two ports', get(`http://${HOST}:80:80/x`), URI],
    ['a URL of a broken IPv6 host', get('http://[::1/x'), URI],
    ['a URL with a comma in the host', get(`http://${HOST},evil/x`), MISMATCH],
    ['a URL with a backslash behind the host', get(`http://${HOST}\\@evil/x`), URI],
    ['a URL with a fragment', get(`http://${HOST}/x#y`), 'RFC 9112, 3.2: a target has no fragment'],
    ['a URL of another host than Host', `GET http://${HOST}/x HTTP/1.1\r\nHost: evil\r\n\r\n`, MISMATCH],
    ['a URL of a host that is unknown', get('http://evil/x'), MISMATCH],
    [
      'a URL with another port than Host',
      `GET http://${HOST}:81/x HTTP/1.1\r\nHost: ${HOST}:82\r\n\r\n`,
      MISMATCH,
    ],
    [
      'a URL and no Host',
      `GET http://${HOST}/x HTTP/1.1\r\n\r\n`,
      'RFC 9112, 3.2: a request without Host is refused with 400',
    ],
    ['a URL and an empty Host', `GET http://${HOST}/x HTTP/1.1\r\nHost:\r\n\r\n`, MISMATCH],
  ]),
  ...refused(
    [
      ['a prefix that goes on without a slash', elsewhere('/serving/ml/iris%0d%0aX:y/x'), PREFIX],
      ['a prefix with another name behind', elsewhere('/serving/ml/irises/x'), PREFIX],
      ['a prefix with a dot segment', elsewhere('/serving/./ml/iris/x'), AS_SENT],
      ['a prefix with an encoded slash', elsewhere('/serving/ml%2firis/x'), AS_SENT],
      ['a prefix in capitals', elsewhere('/SERVING/ml/iris/x'), AS_SENT],
      ['a prefix in the query', elsewhere('/?/serving/ml/iris/x'), PREFIX],
    ].map(([name = '', message = '', reason = '']) => [
      name,
      message.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
      reason,
    ]),
    { code: 'NO_ROUTE' },
  ),
  ...passed([
    [
      'an absolute-form target',
      get(`http://${HOST}/x?y`),
      'RFC 9112, 3.2.2: servers must accept it',
      { path: '/x?y' },
    ],
    [
      'an absolute-form target in capitals',
      get(`HTTP://${HOST.toUpperCase()}/x`),
      'RFC 3986, 6.2.2.1: scheme and host have no case',
      { path: '/x' },
    ],
    [
      'an absolute-form target without a path',
      get(`http://${HOST}`),
      'RFC 9112, 3.2.1: an empty path is /',
      { path: '/' },
    ],
    [
      'an absolute-form target with a query alone',
      get(`http://${HOST}?y`),
      'RFC 9112, 3.2.1: an empty path is /',
      { path: '/?y' },
    ],
    [
      'an absolute-form target with a port',
      `GET http://${HOST}:8080/x HTTP/1.1\r\nHost: ${HOST}:8080\r\n\r\n`,
      'RFC 9112, 3.2.2',
      { path: '/x' },
    ],
    ['OPTIONS *', head('OPTIONS * HTTP/1.1'), 'RFC 9112, 3.2.4', { method: 'OPTIONS', path: '*' }],
    ['a path that begins with two slashes', get('//evil/x'), AS_SENT, { path: '//evil/x' }],
    ['dot segments', get('/a/../../etc/passwd'), AS_SENT, { path: '/a/../../etc/passwd' }],
    [
      'encoded line ends',
      get('/x%0d%0aX-Evil:%20y'),
      AS_SENT,
      { path: '/x%0d%0aX-Evil:%20y', fields: { 'x-evil': undefined } },
    ],
    ['an encoded NUL', get('/x%00'), AS_SENT, { path: '/x%00' }],
    ['a percent sign that encodes nothing', get('/%zz%'), AS_SENT, { path: '/%zz%' }],
    [
      'a URL in the query',
      get('/x?to=http://evil/@:#'.replace('#', '')),
      AS_SENT,
      { path: '/x?to=http://evil/@:' },
    ],
    ['two question marks', get('/x??y?'), AS_SENT, { path: '/x??y?' }],
    [
      'a path of 8,000 bytes',
      get(`/${'x'.repeat(8_000)}`),
      'RFC 9112, 3: at least 8,000 bytes',
      { path: `/${'x'.repeat(8_000)}` },
    ],
    ['a prefix', elsewhere('/serving/ml/iris/v1'), PREFIX, { path: '/v1' }],
    ['a prefix alone', elsewhere('/serving/ml/iris'), PREFIX, { path: '/' }],
    ['a prefix and a query', elsewhere('/serving/ml/iris?x=1'), PREFIX, { path: '/?x=1' }],
    ['a prefix and two slashes', elsewhere('/serving/ml/iris//evil/x'), PREFIX, { path: '//evil/x' }],
    ['a prefix and a URL', elsewhere('/serving/ml/iris/http://evil/x'), PREFIX, { path: '/http://evil/x' }],
    [
      'a prefix and encoded line ends',
      elsewhere('/serving/ml/iris/%0d%0a%0d%0aGET%20/'),
      PREFIX,
      { path: '/%0d%0a%0d%0aGET%20/' },
    ],
    [
      'a prefix twice',
      elsewhere('/serving/ml/iris/serving/ml/iris/x'),
      PREFIX,
      { path: '/serving/ml/iris/x' },
    ],
  ]),
]
