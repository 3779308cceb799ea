import { describe, expect, it } from 'vitest'
import { rfc3339 } from '../core/clock.ts'
import { pathPrefix, publicHost, publicUrl } from './urls.ts'
import type { UrlOptions } from './urls.ts'

const OPTIONS: UrlOptions = {
  domainTemplate: '{{.Name}}-{{ .Namespace }}.{{ .Domain }}',
  pathTemplate: '/serving/{{ .Namespace }}/{{ .Name }}/',
  ingressDomain: 'Example.com',
  urlScheme: 'http',
}

describe('names of a service', () => {
  it('follow the templates', () => {
    expect(publicHost(OPTIONS, 'iris', 'ml')).toBe('iris-ml.example.com')
    expect(pathPrefix(OPTIONS, 'iris', 'ml')).toBe('/serving/ml/iris')
    expect(pathPrefix({ ...OPTIONS, pathTemplate: '' }, 'iris', 'ml')).toBeUndefined()
  })

  it.each([
    ['http', undefined, 'http://iris-ml.example.com'],
    ['http', 80, 'http://iris-ml.example.com'],
    ['http', 8080, 'http://iris-ml.example.com:8080'],
    ['https', 443, 'https://iris-ml.example.com'],
  ] as const)('have a port only where it is not the scheme’s: %s %s', (urlScheme, publicPort, url) => {
    const port = publicPort === undefined ? {} : { publicPort }
    expect(publicUrl({ ...OPTIONS, urlScheme, ...port }, 'iris', 'ml')).toBe(url)
  })

  it('refuse a field that does not exist', () => {
    expect(() => publicHost({ ...OPTIONS, domainTemplate: '{{ .Nmae }}.x' }, 'iris', 'ml')).toThrow(
      "domainTemplate: {{ .Nmae }} in '{{ .Nmae }}.x' is not known; allowed are {{ .Name }}, {{ .Namespace }}, {{ .IngressDomain }}, {{ .Domain }}",
    )
  })
})

describe('rfc3339', () => {
  it.each([
    [0, '1970-01-01T00:00:00Z'],
    [951_782_400_000, '2000-02-29T00:00:00Z'],
    [1_709_251_199_999, '2024-02-29T23:59:59Z'],
    [4_107_542_400_000, '2100-03-01T00:00:00Z'],
    [-1000, '1969-12-31T23:59:59Z'],
  ])('%s is %s', (epochMs, text) => expect(rfc3339(epochMs)).toBe(text))
})
