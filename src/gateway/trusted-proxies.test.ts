import { describe, expect, it } from 'vitest'
import { ConfigError } from '../core/config.ts'
import { TrustedProxies } from './trusted-proxies.ts'

describe('trusted proxies', () => {
  const trusted = new TrustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8'])

  it.each([
    ['10.200.0.1', true],
    ['::ffff:10.200.0.1', true],
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['fd12::1', true],
    ['fe80::1', false],
    ['not an address', false],
    [undefined, false],
  ])('%s: %s', (address, expected) => {
    expect(trusted.includes(address)).toBe(expected)
  })

  it.each(['ten', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'fd00::/129', '10.0.0.0/x'])(
    'refuses %s',
    (entry) => {
      expect(() => new TrustedProxies([entry])).toThrow(ConfigError)
      expect(() => new TrustedProxies([entry])).toThrow(JSON.stringify(entry))
    },
  )
})
