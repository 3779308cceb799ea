import type { ReplicaName } from '../src/core/names.ts'

/**
 * How many of a replica's `limit` slots are this gateway's, where several gateways divide them: the whole part of
 * limit / gateways, and one more for as many gateways as slots remain. Where that row of gateways begins depends on the
 * replica's name, so that over many replicas each gateway has its turn. Over all members the shares of one replica add up
 * to `limit` exactly. With 3 slots and the gateways a, b: 2 and 1 on one half of the replicas, 1 and 2 on the other.
 *
 * @param limit requests on the replica at one time; 0 = no limit, and the share of it is 0 = no limit.
 * @param members names of all living gateways, sorted, each once. None: nobody to divide with, the share is the limit.
 * @returns 0 also for a gateway that is no member of a hard limit.
 */
export function shareOf(
  limit: number,
  replica: ReplicaName,
  gateway: string,
  members: readonly string[],
): number {
  const { length } = members
  if (limit === 0 || length === 0) return limit
  const at = members.indexOf(gateway)
  if (at < 0) return 0
  const whole = Math.floor(limit / length)
  const remaining = limit - whole * length
  // How far this gateway stands behind the first that gets one of the remaining slots.
  const behind = (at - (stableHash(replica) % length) + length) % length
  return whole + (behind < remaining ? 1 : 0)
}

/** Sorted and each once, in the order in which every gateway sorts them: by code unit. */
export function sortedMembers(members: Iterable<string>): readonly string[] {
  return [...new Set(members)].sort()
}

export function sameMembers(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((member, at) => member === other[at])
}

/**
 * 32 bits of a text, the same in every process: FNV-1a, and murmur3's last step, since names of replicas differ in their
 * last letters only, which FNV leaves in the low bits.
 * Source: draft-eastlake-fnv; smhasher MurmurHash3 fmix32.
 */
export function stableHash(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
