import { rfc3339Ms } from '../../core/clock.ts'
import { KINDS, apiVersionOf } from './kinds.ts'
import type { KubeObject, ObjectMeta } from './kube-object.ts'

/** Source: `coordination.k8s.io/v1`. */
export interface LeaseSpec {
  /** '' or absent: nobody holds it. */
  readonly holderIdentity?: string
  readonly leaseDurationSeconds?: number
  readonly acquireTime?: string
  readonly renewTime?: string
  /** How often it changed hands. */
  readonly leaseTransitions?: number
}

export interface Lease extends KubeObject {
  readonly spec?: LeaseSpec
}

/**
 * The lease held by `holder` from now on; its times are for people to read. `before` is the one that it replaces: its
 * resourceVersion makes the write fail when somebody else was faster.
 */
export function heldLease(
  metadata: Pick<ObjectMeta, 'name' | 'namespace'>,
  holder: string,
  at: { readonly nowMs: number; readonly durationMs: number; readonly before: Lease | undefined },
): Lease {
  const { nowMs, durationMs, before } = at
  const now = microTime(nowMs)
  const spec = before?.spec
  const isSame = spec?.holderIdentity === holder
  const transitions = spec?.leaseTransitions ?? 0
  return {
    apiVersion: apiVersionOf(KINDS.leases),
    kind: KINDS.leases.kind,
    metadata: before?.metadata ?? metadata,
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1000)),
      acquireTime: isSame ? (spec.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: isSame || before === undefined ? transitions : transitions + 1,
    },
  }
}

/** The same lease, free for whoever comes first. */
export function releasedLease(lease: Lease, nowMs: number): Lease {
  const now = microTime(nowMs)
  const spec = {
    ...lease.spec,
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: now,
    renewTime: now,
  }
  return { ...lease, spec }
}

/** Kubernetes' MicroTime, which refuses milliseconds: `2023-11-14T22:13:20.000000Z`. */
export function microTime(epochMs: number): string {
  return rfc3339Ms(epochMs).replace(/Z$/, '000Z')
}
