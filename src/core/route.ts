import type { InferenceServiceName, RevisionName } from './names.ts'
import type { ComponentKind } from './revision.ts'

/** The share of one revision in a split. */
export interface SplitTarget {
  readonly revision: RevisionName
  /** 0 to 100; the percents of a split sum to 100. */
  readonly percent: number
  /** `latest`, `prev`, or the name of a canary: also a host of its own. */
  readonly tag?: string
}

/** Which requests belong to one backend of a service, and the revisions that answer them. */
export interface Route {
  /** Who it is in metrics and logs: `ml-serving/sklearn-iris-predictor`. */
  readonly name: `${string}/${string}`
  readonly service: InferenceServiceName
  readonly component: ComponentKind
  /** Hosts without a port, lower case. */
  readonly hosts: readonly string[]
  /** Path prefixes without a trailing slash (`/serving/ml-serving/sklearn-iris`); cut off before forwarding. */
  readonly pathPrefixes: readonly string[]
  /** `explain`: only `/v1/models/{model}:explain`; it goes before the rest of the same host. */
  readonly match: 'explain' | 'all'
  readonly split: readonly SplitTarget[]
  readonly sticky?: { readonly from: 'header' | 'cookie'; readonly name: string }
}
