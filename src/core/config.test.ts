import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from './config.ts'

function messageOf(input: unknown): string {
  try {
    readConfig(input, 'pilotlight.yaml')
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'accepted'
}

const files = { certFile: 'tls.crt', keyFile: 'tls.key' }

describe('readConfig', () => {
  it('gives every default for nothing, and for an empty document', () => {
    const config = readConfig(undefined)
    expect(readConfig(null)).toEqual(config)
    expect(readConfig({})).toEqual(config)
    expect(config.gateway).toMatchObject({ host: '127.0.0.1', port: 8080, retriesMax: 2 })
    expect(config.queue).toEqual({ depthMax: 10_000, bytesMax: 1_073_741_824, activationTimeoutMs: 900_000 })
    expect(config.ingress.domainTemplate).toBe('{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}')
  })

  it('keeps what is said and defaults the rest of the section', () => {
    const { gateway, admin } = readConfig({ gateway: { port: 0 } })
    expect([gateway.port, gateway.host, admin.port]).toEqual([0, '127.0.0.1', 9090])
  })

  it('asks clients for a certificate where it knows their CAs', () => {
    const wants = (tls: object): string | undefined =>
      readConfig({ gateway: { tls: { ...files, ...tls } } }).gateway.tls?.clientCertificates
    expect(wants({})).toBe('none')
    expect(wants({ clientCaFile: 'ca.crt' })).toBe('required')
    expect(wants({ clientCaFile: 'ca.crt', clientCertificates: 'optional' })).toBe('optional')
    expect(wants({ clientCaFile: 'ca.crt', clientCertificates: 'none' })).toBe('none')
  })

  it('does not show the password of a URL that it refuses', () => {
    const message = messageOf({ redis: { url: 'http://user:secret@redis:6379' } })
    expect(message).toContain('http://...@redis:6379')
    expect(message).not.toContain('secret')
  })

  it('is frozen to its leaves', () => {
    const config = readConfig({ gateway: { trustedProxies: ['10.0.0.0/8'], tls: files } })
    expect(
      [config, config.gateway, config.gateway.trustedProxies, config.gateway.tls].every((part) =>
        Object.isFrozen(part),
      ),
    ).toBe(true)
  })

  it.each([
    { input: { gateway: { port: 65_536 } }, field: 'gateway.port', allowed: '65535' },
    { input: { gateway: { port: '8080' } }, field: 'gateway.port', allowed: 'number' },
    { input: { gateway: { headBytesMax: 10 } }, field: 'gateway.headBytesMax', allowed: '1024' },
    { input: { gateway: { retriesMax: 1.5 } }, field: 'gateway.retriesMax', allowed: 'int' },
    { input: { gateway: { headTimeoutMs: -1 } }, field: 'gateway.headTimeoutMs', allowed: '>=0' },
    { input: { gateway: { connectionsMax: 0.5 } }, field: 'gateway.connectionsMax', allowed: 'int' },
    { input: { gateway: { workers: 257 } }, field: 'gateway.workers', allowed: '<=256' },
    { input: { redis: { url: 'http://redis:6379' } }, field: 'redis.url', allowed: 'rediss://' },
    { input: { redis: { url: 'redis://redis', prefix: 'a b' } }, field: 'redis.prefix', allowed: 'letters' },
    {
      input: { redis: { url: 'redis://redis', caFile: 'ca.crt' } },
      field: 'redis.caFile',
      allowed: 'rediss://',
    },
    {
      input: { redis: { url: 'redis://redis', askTimeoutMs: 0 } },
      field: 'redis.askTimeoutMs',
      allowed: '>=1',
    },
    { input: { gateway: { tls: {} } }, field: 'gateway.tls.certFile', allowed: 'string' },
    { input: { gateway: { tls: { ...files, keyFile: '' } } }, field: 'gateway.tls.keyFile', allowed: '>=1' },
    {
      input: { gateway: { tls: { ...files, minVersion: 'TLSv1.1' } } },
      field: 'gateway.tls.minVersion',
      allowed: '"TLSv1.2"|"TLSv1.3"',
    },
    {
      input: { gateway: { tls: { ...files, clientCertificates: 'optional' } } },
      field: 'gateway.tls.clientCertificates',
      allowed: 'optional needs gateway.tls.clientCaFile; got "optional"',
    },
    {
      input: { gateway: { upstreamTls: { verify: 'no' } } },
      field: 'gateway.upstreamTls.verify',
      allowed: 'boolean',
    },
    { input: { ingress: { urlScheme: 'ftp' } }, field: 'ingress.urlScheme', allowed: '"http"|"https"' },
    { input: { queue: { activationTimeoutMs: -1 } }, field: 'queue.activationTimeoutMs', allowed: '>=0' },
    { input: { autoscaler: { 'stable-window': 60 } }, field: 'autoscaler.stable-window', allowed: 'string' },
  ])('names $field and what it may be', ({ input, field, allowed }) => {
    expect(messageOf(input)).toMatch(`pilotlight.yaml: ${field}: `)
    expect(messageOf(input)).toContain(allowed)
  })

  it('refuses keys it does not know, wherever they stand', () => {
    expect(messageOf({ gatway: {} })).toContain('pilotlight.yaml: (top level): Unrecognized key: "gatway"')
    expect(messageOf({ queue: { depth: 1 } })).toContain('pilotlight.yaml: queue: Unrecognized key: "depth"')
  })

  it('says what it got', () => {
    expect(messageOf({ gateway: { port: 65_536 } })).toMatch(
      /^pilotlight.yaml: gateway.port: .*65535; got 65536$/,
    )
    expect(messageOf({ gateway: { trustedProxies: ['a', 7] } })).toContain('gateway.trustedProxies.1: ')
    expect(messageOf({ gateway: { trustedProxies: ['a', 7] } })).toContain('; got 7')
    expect(messageOf(7)).toContain('(top level): ')
    expect(messageOf(7)).toContain('; got 7')
  })

  it('says everything that is wrong, a line each', () => {
    expect(messageOf({ gateway: { port: -1 }, queue: { depthMax: -1 } }).split('\n')).toHaveLength(2)
  })
})
