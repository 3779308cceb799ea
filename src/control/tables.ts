import type { Replica } from '../core/replica.ts'
import type { Route } from '../core/route.ts'
import type { Revision } from '../core/revision.ts'

/** What gateways work with, as one whole value: published when any part of it changes. */
export interface Tables {
  readonly routes: readonly Route[]
  /** Every revision that may get requests or still has some. */
  readonly revisions: readonly Revision[]
  readonly replicas: readonly Replica[]
}
