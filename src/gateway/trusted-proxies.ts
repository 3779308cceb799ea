import { BlockList, isIP } from 'node:net'
import { ConfigError } from '../core/config.ts'

/** The peers whose X-Forwarded-* and Forwarded headers are believed. */
export class TrustedProxies {
  readonly #list = new BlockList()

  /** @throws ConfigError for what is neither an address nor a CIDR. */
  constructor(entries: readonly string[]) {
    for (const entry of entries) this.#add(entry)
  }

  includes(address: string | undefined): boolean {
    if (address === undefined) return false
    // A dual-stack socket shows IPv4 peers as ::ffff:10.0.0.1.
    const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
    const version = isIP(plain)
    return version !== 0 && this.#list.check(plain, version === 6 ? 'ipv6' : 'ipv4')
  }

  #add(entry: string): void {
    const [address = '', prefix, ...rest] = entry.split('/')
    const version = isIP(address)
    const bitsMax = version === 6 ? 128 : 32
    const bits = prefix === undefined ? bitsMax : Number(prefix)
    if (
      version === 0 ||
      rest.length > 0 ||
      prefix === '' ||
      !Number.isInteger(bits) ||
      bits < 0 ||
      bits > bitsMax
    )
      throw new ConfigError(
        `gateway.trustedProxies: ${JSON.stringify(entry)} is neither an IP address nor a CIDR such as 10.0.0.0/8`,
      )
    this.#list.addSubnet(address, bits, version === 6 ? 'ipv6' : 'ipv4')
  }
}
