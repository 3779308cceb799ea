import { expect, test } from 'vitest'
import { MessageRules } from './message-rules.ts'

const rules = new MessageRules()
const good = [':method', 'GET', ':scheme', 'https', ':path', '/v1', ':authority', 'iris.test']

test('a well-formed request tells its length', () => {
  expect(rules.request([...good, 'content-length', '12', 'te', 'trailers', 'x', 'a\tb\xe9'])).toMatchObject({
    problem: undefined,
    length: 12,
  })
  expect(rules.request([...good, 'accept', ''])).toMatchObject({ problem: undefined, length: -1 })
  expect(
    rules.request([':method', 'OPTIONS', ':scheme', 'http', ':path', '*', 'host', 'iris.test']).problem,
  ).toBeUndefined()
  expect(rules.request([':method', 'CONNECT', ':authority', 'iris.test:443']).problem).toBeUndefined()
})

const without = (name: string): string[] => good.filter((_, at) => good[at - (at % 2)] !== name)
const changed = (name: string, value: string): string[] =>
  good.map((text, at) => (at % 2 === 1 && good[at - 1] === name ? value : text))

test.each([
  ['no :method', without(':method')],
  ['no :scheme', without(':scheme')],
  ['no :path', without(':path')],
  ['an empty :path', changed(':path', '')],
  ['a :path that is no path', changed(':path', 'v1')],
  ['* that is no OPTIONS', changed(':path', '*')],
  ['a space in :path', changed(':path', '/a HTTP/1.1')],
  ['a line end in :path', changed(':path', '/a\r\nx: y')],
  ['a method that is no token', changed(':method', 'GE T')],
  ['an empty method', changed(':method', '')],
  ['a space in :authority', changed(':authority', 'iris test')],
  ['two :path', [...good, ':path', '/v2']],
  ['an unknown pseudo field', [...good, ':protocol', 'websocket']],
  ['a pseudo field of a response', [...good, ':status', '200']],
  ['a pseudo field after another field', [...without(':path'), 'accept', '*/*', ':path', '/']],
  ['CONNECT with a :path', [':method', 'CONNECT', ':authority', 'a:1', ':path', '/']],
  ['CONNECT without :authority', [':method', 'CONNECT']],
  ['a name in capitals', [...good, 'Accept', '*/*']],
  ['an empty name', [...good, '', 'x']],
  ['a name with a space', [...good, 'a b', 'x']],
  ['a name with a colon', [...good, 'a:b', 'x']],
  ['a name beyond ASCII', [...good, 'n\xe9', 'x']],
  ['a line end in a value', [...good, 'x', 'a\nb']],
  ['a CR in a value of a well-known field', [...good, 'accept', 'a\rb']],
  ['NUL in a value', [...good, 'x', 'a\0b']],
  ['DEL in a value', [...good, 'x', 'a\x7f']],
  ['a space before a value', [...good, 'x', ' a']],
  ['a tab after a value', [...good, 'x', 'a\t']],
  ['te: gzip', [...good, 'te', 'gzip']],
  ['connection', [...good, 'connection', 'close']],
  ['keep-alive', [...good, 'keep-alive', '1']],
  ['proxy-connection', [...good, 'proxy-connection', 'close']],
  ['transfer-encoding', [...good, 'transfer-encoding', 'chunked']],
  ['upgrade', [...good, 'upgrade', 'h2c']],
  ['a length that is no number', [...good, 'content-length', '1x']],
  ['a negative length', [...good, 'content-length', '-1']],
  ['an empty length', [...good, 'content-length', '']],
  ['a length beyond what is exact', [...good, 'content-length', '1'.repeat(16)]],
  ['two lengths', [...good, 'content-length', '1', 'content-length', '2']],
  ['the same length twice', [...good, 'content-length', '1', 'content-length', '1']],
])('a request is malformed with %s', (_what, fields) => {
  expect(rules.request(fields).problem).toBeTypeOf('string')
})

test.each([
  ['no :status', ['server', 'x']],
  ['a :status of two digits', [':status', '20']],
  ['a :status that is no number', [':status', '2x0']],
  ['a :status below 100', [':status', '099']],
  ['another pseudo field', [':status', '200', ':path', '/']],
  ['two of them', [':status', '200', ':status', '200']],
])('a response is malformed with %s', (_what, fields) => {
  expect(rules.response(fields).problem).toBeTypeOf('string')
})

test('a response tells its status and length', () => {
  expect(rules.response([':status', '206', 'content-length', '7'])).toMatchObject({
    problem: undefined,
    status: 206,
    length: 7,
  })
})

test('trailers have no pseudo fields', () => {
  expect(rules.trailers(['grpc-status', '0']).problem).toBeUndefined()
  expect(rules.trailers([':status', '200']).problem).toBeTypeOf('string')
})
