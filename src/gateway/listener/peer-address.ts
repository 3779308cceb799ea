/** The address of a peer as people write it: a dual-stack socket shows 10.0.0.1 as ::ffff:10.0.0.1. */
export function peerAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
