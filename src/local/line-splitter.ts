const LONGEST_LINE_CHARS = 16_384

/** Cuts a stream of text into lines. What a process writes without a line end is cut as well, so it stays bounded. */
export class LineSplitter {
  readonly #onLine: (line: string) => void
  #rest = ''

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n')
    let rest = lines.pop() ?? ''
    for (const line of lines) this.#onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
    while (rest.length > LONGEST_LINE_CHARS) {
      this.#onLine(rest.slice(0, LONGEST_LINE_CHARS))
      rest = rest.slice(LONGEST_LINE_CHARS)
    }
    this.#rest = rest
  }

  /** The last line, if it had no line end. */
  end(): void {
    if (this.#rest !== '') this.#onLine(this.#rest)
    this.#rest = ''
  }
}
