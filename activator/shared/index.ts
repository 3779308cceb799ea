/**
 * Slots that several threads share. Each gateway thread has its own Activator; a limit per replica holds over all of them,
 * and whoever has waited longest, in whichever thread, is served first.
 *
 *     main thread                     shared memory                        worker threads
 *
 *     SharedOwner                     per revision: lock, line of waiters  SharedThread
 *       assign(tables) ---------------- which place is whose -------------->  adopt(indexes, apply)
 *       letGo, keep, inFlight -------> per replica: total <= limit  <-------  SharedSlotTable: take, giveBack
 *       drained <--- bell -------------        flags, held per thread         join, takeFor, part
 *       closeThread (one died) ------> per thread: bell, mail  --- bell --->  listen(serve)
 *
 * Every change of a revision happens under its lock, one word that is held for a microsecond. Counters that are changed by
 * compare-and-swap alone would do for the limit; a line of waiters from many threads, and a thread that dies between two
 * writes, they would not: with a lock the main thread knows from its owner where to repair, and the order of the writes
 * says what was done.
 *
 * A freed slot is handed over under the same lock: `GRANTED` of the oldest waiter names the replica, the total stays as it
 * is, so the slot is never free in between and no newcomer can take it. The waiter's thread is rung and gives it to its
 * request, or frees it again if that one has left, which hands it to the next. One that joins the line looks for a free
 * slot once more, under the lock: a slot that came free in between is not missed.
 *
 * Where other gateways have slots of the same replicas, the main thread speaks for all threads (`OwnedRevision`): it writes
 * the `ROOM` of each replica under the lock, and threads ring it when one waits or a slot comes free.
 *
 * The memory is allocated once with room for far more than is planned for, since pages that nobody touched cost nothing.
 */
export { SharedOwner } from './shared-owner.ts'
export { SharedThread, type SharedIndexes } from './shared-thread.ts'
export type { SharedCapacity, SharedHandle } from './memory.ts'
