import { describe, expect, it } from 'vitest'
import { scrapeTarget, urlOf, type ScrapeSource } from './scrape-target.ts'

const address = { host: '10.0.0.7', port: 8080 }
const http = { name: 'h2c', containerPort: 8080 }

function target(source: Partial<ScrapeSource>) {
  const found = scrapeTarget({ address, ...source })
  if ('problem' in found) return found.problem
  return [urlOf(found), found.portFrom, found.pathFrom]
}

describe('the metrics of a replica are', () => {
  it.each<[string, Partial<ScrapeSource>, readonly string[]]>([
    [
      'where KServe says, before where Prometheus says',
      {
        annotations: {
          'prometheus.kserve.io/port': '8002',
          'prometheus.kserve.io/path': '/custom',
          'prometheus.io/port': '9000',
          'prometheus.io/path': '/other',
        },
        engine: 'vllm',
      },
      ['http://10.0.0.7:8002/custom', 'prometheus.kserve.io/port', 'prometheus.kserve.io/path'],
    ],
    [
      'where Prometheus says, whatever it does itself',
      {
        annotations: {
          'prometheus.io/scrape': 'false',
          'prometheus.io/port': '9000',
          'prometheus.io/path': '/m?x=1',
          'prometheus.io/scheme': 'HTTPS',
        },
      },
      ['https://10.0.0.7:9000/m?x=1', 'prometheus.io/port', 'prometheus.io/path'],
    ],
    [
      'at an annotated port, on the path of the engine',
      { annotations: { 'prometheus.io/port': '9000' }, engine: 'tensorrt-llm' },
      ['http://10.0.0.7:9000/prometheus/metrics', 'prometheus.io/port', 'TensorRT-LLM'],
    ],
    [
      'at the port that the container calls metrics',
      { ports: [http, { name: 'http-metrics', containerPort: 9100 }], engine: 'triton' },
      ['http://10.0.0.7:9100/metrics', 'port http-metrics', 'Triton'],
    ],
    [
      'at the port that its engine has for them',
      { ports: [http], engine: 'triton' },
      ['http://10.0.0.7:8002/metrics', 'Triton', 'Triton'],
    ],
    [
      'where it takes requests, with an engine that has no port apart',
      { ports: [http], engine: 'vllm' },
      ['http://10.0.0.7:8080/metrics', 'requests', 'vLLM'],
    ],
    [
      'where it takes requests, if nothing is known',
      {},
      ['http://10.0.0.7:8080/metrics', 'requests', 'default'],
    ],
    [
      'where a process of this machine takes requests, if that is the port that is meant',
      {
        address: { host: '127.0.0.1', port: 41_234 },
        ports: [http],
        annotations: { 'prometheus.kserve.io/port': '8080', 'prometheus.kserve.io/path': '/metrics' },
      },
      ['http://127.0.0.1:41234/metrics', 'prometheus.kserve.io/port', 'prometheus.kserve.io/path'],
    ],
    ['under TLS where requests are', { tls: true }, ['https://10.0.0.7:8080/metrics', 'requests', 'default']],
    [
      'not under TLS on a port of their own',
      { tls: true, engine: 'triton' },
      ['http://10.0.0.7:8002/metrics', 'Triton', 'Triton'],
    ],
    [
      'at an address of IPv6',
      { address: { host: 'fd00::7', port: 80 } },
      ['http://[fd00::7]:80/metrics', 'requests', 'default'],
    ],
    [
      'where the only port is, though it is called metrics',
      { ports: [{ name: 'metrics', containerPort: 8080 }] },
      ['http://10.0.0.7:8080/metrics', 'requests', 'default'],
    ],
  ])('%s', (_, source, found) => expect(target(source)).toEqual(found))

  it.each([
    ['prometheus.kserve.io/port', '0', 'a port from 1 to 65535 is allowed'],
    ['prometheus.io/port', '65536', 'a port from 1 to 65535 is allowed'],
    ['prometheus.io/port', 'http', 'a port from 1 to 65535 is allowed'],
    ['prometheus.io/path', 'metrics', 'a path that begins with / is allowed, without blanks'],
    ['prometheus.io/path', '/a b', 'a path that begins with / is allowed, without blanks'],
    ['prometheus.io/path', '/a\r\nx: y', 'a path that begins with / is allowed, without blanks'],
    ['prometheus.io/scheme', 'ftp', 'http and https are allowed'],
  ])('nowhere with %s: %j', (key, value, allowed) => {
    expect(target({ annotations: { [key]: value } })).toBe(`${key} is ${JSON.stringify(value)}; ${allowed}`)
  })
})
