import type { Address, Replica } from '../../core/replica.ts'

/** Whether two say the same of the same replica. */
export function isSameReplica(a: Replica, b: Replica): boolean {
  return (
    a.name === b.name &&
    a.revision === b.revision &&
    a.phase === b.phase &&
    a.sinceMs === b.sinceMs &&
    a.createdAtMs === b.createdAtMs &&
    a.restarts === b.restarts &&
    a.reason === b.reason &&
    a.reasonCode === b.reasonCode &&
    a.exitCode === b.exitCode &&
    a.retryAtMs === b.retryAtMs &&
    isSameAddress(a.address, b.address) &&
    isSameAddress(a.grpcAddress, b.grpcAddress)
  )
}

function isSameAddress(a: Address | undefined, b: Address | undefined): boolean {
  return a?.host === b?.host && a?.port === b?.port
}
