/** What is wrong with a template, and where. */
export class JsonPathError extends Error {
  override readonly name = 'JsonPathError'
}

/** A place in an expression that moves forward; errors name the expression and the column. */
export class Cursor {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  get done(): boolean {
    return this.at >= this.text.length
  }

  peek(): string {
    return this.text[this.at] ?? ''
  }

  skipSpace(): void {
    while (/\s/.test(this.peek())) this.at += 1
  }

  /** Takes `token` if it stands here. */
  take(token: string): boolean {
    if (!this.text.startsWith(token, this.at)) return false
    this.at += token.length
    return true
  }

  /** Takes what `pattern` (sticky) matches here, or nothing. */
  match(pattern: RegExp): string | undefined {
    const sticky = new RegExp(pattern.source, 'y')
    sticky.lastIndex = this.at
    const found = sticky.exec(this.text)?.[0]
    if (found !== undefined) this.at += found.length
    return found
  }

  expect(token: string, after: string): void {
    this.skipSpace()
    if (!this.take(token)) this.fail(`${JSON.stringify(token)} is missing after ${after}`)
  }

  /** A string in single or double quotes, with \n, \t, \\ and quotes escaped. */
  quoted(): string {
    const quote = this.peek()
    let value = ''
    for (this.at += 1; this.peek() !== quote; this.at += 1) {
      if (this.done) this.fail(`the string is not closed with ${quote}`)
      if (this.peek() !== '\\') {
        value += this.peek()
        continue
      }
      this.at += 1
      const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }
      value += escapes[this.peek()] ?? this.peek()
    }
    this.at += 1
    return value
  }

  fail(problem: string): never {
    throw new JsonPathError(`jsonpath ${JSON.stringify(this.text)}, column ${this.at + 1}: ${problem}`)
  }
}
