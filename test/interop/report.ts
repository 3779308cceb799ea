/** Counts of a run. */
export interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Prints a line per check as it ends, and counts them. */
export class Report {
  readonly #suite: string
  #passed = 0
  #failed = 0
  #skipped = 0

  constructor(suite: string) {
    this.#suite = suite
  }

  pass(name: string, remark = ''): void {
    this.#passed += 1
    this.#print('PASS', name, remark)
  }

  fail(name: string, why: string): void {
    this.#failed += 1
    this.#print('FAIL', name, why)
  }

  skip(name: string, why: string): void {
    this.#skipped += 1
    this.#print('SKIP', name, why)
  }

  /** Neither passed nor failed: something that the reader should know. */
  note(text: string): void {
    this.#print('NOTE', text, '')
  }

  /** A check that passes when `check` returns; what it returns is a remark behind the name. */
  async check(name: string, check: () => string | void | Promise<string | void>): Promise<void> {
    try {
      this.pass(name, (await check()) ?? '')
    } catch (error) {
      this.fail(name, error instanceof Error ? error.message : String(error))
    }
  }

  get totals(): Totals {
    return { passed: this.#passed, failed: this.#failed, skipped: this.#skipped }
  }

  #print(verdict: string, name: string, remark: string): void {
    const behind = remark === '' ? '' : `: ${remark.trim().replaceAll('\n', '\n       ')}`
    console.log(`${verdict} ${this.#suite}: ${name}${behind}`)
  }
}

export function sum(all: readonly Totals[]): Totals {
  const total = (count: (totals: Totals) => number): number =>
    all.reduce((soFar, totals) => soFar + count(totals), 0)
  return {
    passed: total(({ passed }) => passed),
    failed: total(({ failed }) => failed),
    skipped: total(({ skipped }) => skipped),
  }
}
