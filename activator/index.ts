/**
 * Wait for room, then go. Per revision one FIFO queue, bounded in requests, bytes and time, and one slot
 * table over its ready replicas. `acquire` picks the replica and takes the slot in the same turn.
 *
 * Several gateways divide the slots of a replica with a hard limit, and lend each other what is free:
 *
 *     shares.ts        whose slots are whose, a pure function of the list of gateways
 *     division.ts      the same while gateways come and go: who has agreed to which list
 *     lending.ts       lent.ts, borrowed.ts and wishes.ts: slots go to where requests wait
 *     sharing.ts       one gateway among the others: both of these, on messages that may be lost
 */
export { Activator, type ActivatorTables, type QueueView } from './activator.ts'
export type { Probe } from './passive-health.ts'
export type { AcquireOptions, ActivationBounds } from './revision-activator.ts'
export type { Permit } from './permit.ts'
export { ConcurrencyMeter } from './concurrency-meter.ts'
export { shareOf } from './shares.ts'
export type { SharingOptions } from './sharing.ts'
export {
  SharedOwner,
  SharedThread,
  type SharedCapacity,
  type SharedHandle,
  type SharedIndexes,
} from './shared/index.ts'
