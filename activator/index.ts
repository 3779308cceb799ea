/**
 * Wait for room, then go. Per revision one FIFO queue, bounded in requests, bytes and time, and one slot
 * table over its ready replicas. `acquire` picks the replica and takes the slot in the same turn.
 */
export { Activator, type ActivatorTables, type QueueView } from './activator.ts'
export type { Probe } from './passive-health.ts'
export type { AcquireOptions, ActivationBounds } from './revision-activator.ts'
export type { Permit } from './permit.ts'
export { ConcurrencyMeter } from './concurrency-meter.ts'
export {
  SharedOwner,
  SharedThread,
  type SharedCapacity,
  type SharedHandle,
  type SharedIndexes,
} from './shared/index.ts'
