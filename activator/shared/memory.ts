/** How much the memory has room for. Untouched pages cost nothing, so the defaults are far above what is planned for. */
export interface SharedCapacity {
  /** Threads that carry requests, besides the main thread. */
  readonly workers: number
  readonly revisions: number
  readonly replicas: number
  /** Requests that may wait in one thread. */
  readonly waitersPerThread: number
}

export const DEFAULT_CAPACITY: Omit<SharedCapacity, 'workers'> = {
  revisions: 32_768,
  replicas: 65_536,
  waitersPerThread: 65_536,
}

/** What a thread needs to see the same memory: plain data that `postMessage` carries. */
export interface SharedHandle {
  readonly buffer: SharedArrayBuffer
  readonly capacity: SharedCapacity
}

/** 64 bytes: what two threads write often lies in lines of its own. */
const LINE_WORDS = 16

/** Words of a thread. */
export const BELL = 0
/** The version of the tables that the thread has taken over. */
export const APPLIED = 1

/** Words of a revision. */
export const LOCK = 0
export const OLDEST = 1
export const NEWEST = 2
/** Requests in line, and those among them that any replica would serve. */
export const WAITING = 3
export const PLAIN = 4
/** 1 = the main thread hears of those who wait and of slots that come free: other gateways may have or want some. */
export const TOLD = 5

/**
 * Words of a replica. `HELD + thread` counts what that thread has in flight. `ROOM` is what this process may have in flight
 * where other gateways have slots of it, plus 1; 0 = the limit alone counts.
 */
export const TOTAL = 0
export const FLAGS = 1
export const REVISION_OF = 2
export const ROOM = 3
export const HELD = 4

/** Flags of a replica: let go; gone from the tables; failed; somebody waits for its last request to end. */
export const RELEASED = 1
export const RETIRED = 2
export const EJECTED = 4
export const WATCHED = 8

/** Words of a waiter. `NEXT` is the truth about the line, `PREVIOUS` is derived from it. */
export const NEXT = 0
export const PREVIOUS = 1
export const THREAD_OF = 2
/** The replica whose slot was handed over, plus 1; 0 = none yet. */
export const GRANTED = 3
/** Replicas, plus 1, on which the request has failed before; 0 = none. */
export const AVOIDED = 4
export const AVOIDED_MAX = 3
/** When it came: the low 32 bits of epoch ms. */
export const SINCE = 7
const WAITER_WORDS = 8

/** The main thread's number. It carries no requests. */
export const MAIN = 0

/**
 * Where everything stands in the memory, in words of 32 bits:
 *
 *     | bell, version    | mail: one bit    | lock, line of    | total, flags, held | waiters of each |
 *     | per thread       | per thread and   | waiters          | per thread         | thread          |
 *     |                  | revision         | per revision     | per replica        |                 |
 */
export class SharedMemory {
  readonly handle: SharedHandle
  readonly words: Int32Array
  /** The main thread and the workers. */
  readonly threads: number
  readonly #mailWords: number
  readonly #mailAt: number
  readonly #revisionsAt: number
  readonly #replicasAt: number
  readonly #replicaWords: number
  readonly #waitersAt: number

  constructor(handle: SharedHandle) {
    const { capacity } = handle
    this.handle = handle
    this.words = new Int32Array(handle.buffer)
    const layout = layoutOf(capacity)
    this.threads = capacity.workers + 1
    this.#mailWords = layout.mailWords
    this.#mailAt = layout.mailAt
    this.#revisionsAt = layout.revisionsAt
    this.#replicasAt = layout.replicasAt
    this.#replicaWords = layout.replicaWords
    this.#waitersAt = layout.waitersAt
  }

  static allocate(capacity: SharedCapacity): SharedMemory {
    const buffer = new SharedArrayBuffer(layoutOf(capacity).words * Int32Array.BYTES_PER_ELEMENT)
    return new SharedMemory({ buffer, capacity })
  }

  threadAt(thread: number): number {
    return thread * LINE_WORDS
  }

  revisionAt(revision: number): number {
    return this.#revisionsAt + revision * LINE_WORDS
  }

  replicaAt(replica: number): number {
    return this.#replicasAt + replica * this.#replicaWords
  }

  /** Waiters are named by where they stand, so that 0 names none. */
  waiterAt(thread: number, nth: number): number {
    return this.#waitersAt + (thread * this.handle.capacity.waitersPerThread + nth) * WAITER_WORDS
  }

  clearRevision(revision: number): void {
    const at = this.revisionAt(revision)
    this.words.fill(0, at, at + LINE_WORDS)
  }

  clearReplica(replica: number, revision: number): void {
    const at = this.replicaAt(replica)
    this.words.fill(0, at, at + this.#replicaWords)
    this.words[at + REVISION_OF] = revision
  }

  /** Tells a thread that there is something to do for a revision. The bell rings once until the mail is read. */
  ring(thread: number, revision: number): void {
    const bit = 1 << (revision & 31)
    const at = this.#mailAt + thread * this.#mailWords + (revision >> 5)
    if ((Atomics.or(this.words, at, bit) & bit) === 0) this.ringBell(thread)
  }

  ringBell(thread: number): void {
    const bell = this.threadAt(thread) + BELL
    Atomics.add(this.words, bell, 1)
    Atomics.notify(this.words, bell)
  }

  /** Takes the mail of a thread out of its box: the revisions it was rung for. */
  takeMail(thread: number): number[] {
    const revisions: number[] = []
    const at = this.#mailAt + thread * this.#mailWords
    for (let word = 0; word < this.#mailWords; word++) {
      if (this.words[at + word] === 0) continue
      let bits = Atomics.exchange(this.words, at + word, 0)
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits)
        revisions.push(word * 32 + bit)
        bits &= ~(1 << bit)
      }
    }
    return revisions
  }

  /**
   * Calls `onRing` after each ring of the thread's bell, and once at first, until `signal` is aborted. Rings that come
   * while it runs are not lost: the count that is waited on was read before.
   */
  async listen(thread: number, onRing: () => void, signal: AbortSignal): Promise<void> {
    const bell = this.threadAt(thread) + BELL
    const stop = (): void => this.ringBell(thread)
    signal.addEventListener('abort', stop, { once: true })
    while (!signal.aborted) {
      const heard = Atomics.load(this.words, bell)
      onRing()
      const next = Atomics.waitAsync(this.words, bell, heard)
      // Where it rang in the meantime: sockets get their turn first.
      await (next.async ? next.value : new Promise((resolve) => setImmediate(resolve)))
    }
    signal.removeEventListener('abort', stop)
  }
}

/** Where each region begins, in words. */
function layoutOf(capacity: SharedCapacity): {
  readonly mailWords: number
  readonly mailAt: number
  readonly revisionsAt: number
  readonly replicasAt: number
  readonly replicaWords: number
  readonly waitersAt: number
  readonly words: number
} {
  const threads = capacity.workers + 1
  const mailWords = lines(Math.ceil(capacity.revisions / 32))
  const mailAt = threads * LINE_WORDS
  const revisionsAt = mailAt + threads * mailWords
  const replicasAt = revisionsAt + capacity.revisions * LINE_WORDS
  const replicaWords = lines(HELD + threads)
  const waitersAt = replicasAt + capacity.replicas * replicaWords
  const words = waitersAt + threads * capacity.waitersPerThread * WAITER_WORDS
  return { mailWords, mailAt, revisionsAt, replicasAt, replicaWords, waitersAt, words }
}

/** Up to whole lines. */
function lines(words: number): number {
  return Math.ceil(words / LINE_WORDS) * LINE_WORDS
}
