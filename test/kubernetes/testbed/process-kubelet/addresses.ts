/** The addresses of one node's pods. One that was given back is given out again as late as possible, as in most networks. */
export class Addresses {
  readonly #free: string[]

  constructor(prefix: string) {
    this.#free = Array.from({ length: 253 }, (_, i) => `${prefix}.${i + 2}`)
  }

  take(): string {
    const address = this.#free.shift()
    if (address === undefined) throw new Error('the node has no address left for another pod')
    return address
  }

  giveBack(address: string): void {
    this.#free.push(address)
  }
}
