/** Set by who waits for a lock, so that who frees it wakes one. */
const CONTENDED = 1 << 16
const SPINS = 200
const PATIENCE_STEP_MS = 5

/**
 * A lock in one word: 0 = free, else its owner's thread + 1. It is held for a microsecond, never across a turn of the
 * event loop, so waiting for it blocks the thread.
 */
export function lock(words: Int32Array, at: number, thread: number): void {
  const me = thread + 1
  if (Atomics.compareExchange(words, at, 0, me) === 0) return
  for (let spin = 0; spin < SPINS; spin++) if (tryOnce(words, at, me)) return
  while (!sleepThenTry(words, at, me)) continue
}

/** For the main thread, which has to hear of the death of an owner: gives up after about `patienceMs`. */
export function tryLock(
  words: Int32Array,
  at: number,
  owner: { thread: number; patienceMs: number },
): boolean {
  const me = owner.thread + 1
  for (let spin = 0; spin < SPINS; spin++) if (tryOnce(words, at, me)) return true
  for (let leftMs = owner.patienceMs; leftMs > 0; leftMs -= PATIENCE_STEP_MS)
    if (sleepThenTry(words, at, me, PATIENCE_STEP_MS)) return true
  return false
}

export function unlock(words: Int32Array, at: number): void {
  if ((Atomics.exchange(words, at, 0) & CONTENDED) !== 0) Atomics.notify(words, at, 1)
}

/** The thread that holds the lock; undefined: none. */
export function ownerOf(words: Int32Array, at: number): number | undefined {
  const owner = Atomics.load(words, at) & ~CONTENDED
  return owner === 0 ? undefined : owner - 1
}

/** Makes a lock one's own whose owner is dead. */
export function takeOver(words: Int32Array, at: number, thread: number): void {
  Atomics.store(words, at, (thread + 1) | CONTENDED)
}

function tryOnce(words: Int32Array, at: number, me: number): boolean {
  return Atomics.load(words, at) === 0 && Atomics.compareExchange(words, at, 0, me) === 0
}

function sleepThenTry(
  words: Int32Array,
  at: number,
  me: number,
  timeoutMs = Number.POSITIVE_INFINITY,
): boolean {
  const seen = Atomics.load(words, at)
  // Others may sleep as well, which only the flag remembers.
  if (seen === 0) return Atomics.compareExchange(words, at, 0, me | CONTENDED) === 0
  const marked = seen | CONTENDED
  if (seen === marked || Atomics.compareExchange(words, at, seen, marked) === seen)
    Atomics.wait(words, at, marked, timeoutMs)
  return false
}
