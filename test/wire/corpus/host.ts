import { HOST } from '../../support/gateway-harness.ts'
import { passed, refused, type RequestCase } from './case.ts'

const request = (lines: string): string => `GET /x HTTP/1.1\r\n${lines}\r\n`
const to = (host: string): string => request(`Host: ${host}\r\nConnection: close\r\n`)
const ONE = 'RFC 9112, 3.2: more than one Host is refused with 400'
const VALUE = 'RFC 9112, 3.2: a Host that is no host and port is refused with 400'
const PORT = 'RFC 3986, 3.2.3: port = *DIGIT, and one that TCP has'

/** Host, which decides where a request goes. */
export const hosts: readonly RequestCase[] = [
  ...refused([
    ['no Host', request('X: y\r\n'), 'RFC 9112, 3.2: a request without Host is refused with 400'],
    ['no fields', 'GET /x HTTP/1.1\r\n\r\n', 'RFC 9112, 3.2: a request without Host is refused with 400'],
    ['an empty Host', to(''), 'RFC 9110, 4.2.1: an http URI with an empty host is invalid'],
    ['a Host of white space', to(' \t'), 'RFC 9110, 4.2.1: an http URI with an empty host is invalid'],
    ['two differing Hosts', request(`Host: ${HOST}\r\nHost: evil\r\n`), ONE],
    ['two equal Hosts', request(`Host: ${HOST}\r\nHost: ${HOST}\r\n`), ONE],
    ['two Hosts in other cases', request(`HOST: ${HOST}\r\nhost: evil\r\n`), ONE],
    ['an empty Host and a Host', request(`Host:\r\nHost: ${HOST}\r\n`), ONE],
    ['two Hosts in HTTP/1.0', `GET /x HTTP/1.0\r\nHost: ${HOST}\r\nHost: evil\r\n\r\n`, ONE],
    ['a list of Hosts', to(`${HOST}, evil`), VALUE],
    ['a list of Hosts without spaces', to(`${HOST},evil`), VALUE],
    ['a Host with a space', to(`${HOST} evil`), VALUE],
    ['a Host with a tab', to(`${HOST}\tevil`), VALUE],
    ['a Host with a path', to(`${HOST}/evil`), VALUE],
    ['a Host with a query', to(`${HOST}?evil`), VALUE],
    ['a Host with a fragment', to(`${HOST}#evil`), VALUE],
    ['a Host with a user', to(`evil@${HOST}`), VALUE],
    ['a Host as user of another', to(`${HOST}@evil`), VALUE],
    ['a Host with a backslash', to(`${HOST}\\evil`), VALUE],
    ['a Host with a URL', to(`http://${HOST}/`), VALUE],
    ['a Host in quotes', to(`"${HOST}"`), VALUE],
    ['a Host in angle brackets', to(`<${HOST}>`), VALUE],
    ['a Host with a control character', to(`${HOST}\x01`), VALUE],
    ['a Host with a NUL', to(`${HOST}\0evil`), VALUE],
    ['a Host with DEL', to(`${HOST}\x7f`), VALUE],
    ['a Host beyond ASCII', to('\xefris.ml.localhost'), VALUE],
    ['a Host in UTF-8', to('\xc3\xafris.ml.localhost'), VALUE],
    ['a lettered port', to(`${HOST}:http`), PORT],
    ['a port of six digits', to(`${HOST}:100000`), PORT],
    ['port 65536', to(`${HOST}:65536`), PORT],
    ['a negative port', to(`${HOST}:-1`), PORT],
    ['a port with a plus', to(`${HOST}:+80`), PORT],
    ['a port in hex', to(`${HOST}:0x50`), PORT],
    ['a port with text behind', to(`${HOST}:80x`), PORT],
    ['a port with a user', to(`${HOST}:80@evil`), PORT],
    ['two ports', to(`${HOST}:80:80`), PORT],
    ['a port without a host', to(':80'), VALUE],
    ['an IPv6 host without brackets', to('::1'), VALUE],
    ['an IPv6 host that does not end', to('[::1'), VALUE],
    ['an IPv6 host that does not begin', to('::1]'), VALUE],
    ['an IPv6 host with text behind', to('[::1]x'), VALUE],
    ['empty brackets', to('[]'), VALUE],
    ['no address in brackets', to(`[${HOST}]`), VALUE],
    ['a Host folded', request(`Host:\r\n ${HOST}\r\n`), 'RFC 9112, 5.2: obs-fold in a request is refused'],
    ['a space before the colon', request(`Host : ${HOST}\r\n`), 'RFC 9112, 5.1'],
  ]),
  ...refused(
    [
      ['a host nobody serves', to('nobody'), 'no route'],
      ['an IPv6 host nobody serves', to('[::1]:80'), 'no route'],
      ['an IPv4 host nobody serves', to('127.0.0.1'), 'no route'],
      ['a longer name', to(`${HOST}.evil`), 'no route'],
      ['a shorter name', to(HOST.slice(1)), 'no route'],
    ],
    { code: 'NO_ROUTE' },
  ),
  ...passed([
    [
      'a Host in capitals',
      request(`HOST: ${HOST.toUpperCase()}\r\n`),
      'RFC 3986, 3.2.2: hosts have no case',
      { path: '/x' },
    ],
    [
      'a Host with a port',
      request(`Host: ${HOST}:8080\r\n`),
      'RFC 9110, 7.2',
      { fields: { host: `${HOST}:8080` } },
    ],
    [
      'a Host with a dot behind',
      request(`Host: ${HOST}.\r\n`),
      'RFC 3986, 3.2.2: the root may be written',
      { path: '/x' },
    ],
    [
      'a Host with white space around',
      request(`Host: \t${HOST} \t\r\n`),
      'RFC 9112, 5',
      { fields: { host: HOST } },
    ],
    [
      'a Host as the last field',
      request(`A: b\r\nC: d\r\nHost: ${HOST}\r\n`),
      'RFC 9110, 7.2: first is only good practice',
      { path: '/x' },
    ],
    [
      'no Host in HTTP/1.0',
      'GET /serving/ml/iris/x HTTP/1.0\r\n\r\n',
      'RFC 9112, 3.2: only HTTP/1.1 has to have one',
      { path: '/x' },
    ],
  ]),
]
