import type { Desired, Problem } from '../core/desired.ts'
import type { DesiredOptions } from './desired-service.ts'
import type { ManifestDocument } from './documents.ts'
import { judge, type Outcome } from './judge.ts'

/** Everything that is to be served, and what was remarked on the way. */
export interface DesiredResult extends Desired {
  /** Remarks that stop nothing: an unknown field, a metric that is not measured. One each. */
  readonly warnings: readonly Problem[]
}

/** What all documents together ask for. A document that is refused does not take the others with it. */
export function toDesired(documents: readonly ManifestDocument[], options: DesiredOptions): DesiredResult {
  const outcomes = judge(documents, options)
  return {
    services: outcomes.flatMap(({ service }) => (service === undefined ? [] : [service])),
    problems: outcomes.flatMap((outcome) =>
      outcome.problem === undefined ? [] : [problemOf(outcome, outcome.problem.message)],
    ),
    warnings: outcomes.flatMap((outcome) => outcome.warnings.map((message) => problemOf(outcome, message))),
  }
}

function problemOf({ document, admission }: Outcome, message: string): Problem {
  const { kind, namespace, name } = admission
  return { source: document.source, kind, namespace, name, message }
}
