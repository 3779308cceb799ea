/** The outcome of one case of a conformance suite: passed unless `failure` says how it differed. */
export interface CaseResult {
  readonly name: string
  readonly failure?: string
}
