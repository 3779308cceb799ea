import type { Clock } from '../core/clock.ts'
import { nameOf, type AnswerMessage } from './redis-messages.ts'

/** A question to all gateways that is under way. */
interface OpenQuestion {
  /** By instance; of two answers of one instance the first counts, unless it is the second that ends the question. */
  readonly answers: Map<string, AnswerMessage>
  /** Names that have to answer, by whichever instance. */
  readonly names: ReadonlySet<string>
  /** Instances that have to answer; undefined until it is known who heard the question. */
  instances: readonly string[] | undefined
  readonly isFinal: (answer: AnswerMessage) => boolean
  readonly settle: (answers: readonly AnswerMessage[] | undefined) => void
}

/** The questions that this process has asked, each until all have answered, one answer settles it, or time is over. */
export class Questions {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #open = new Map<number, OpenQuestion>()
  #lastId = 0

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** Questions under way. */
  get size(): number {
    return this.#open.size
  }

  /**
   * Asks, and collects.
   * @param names of the gateways that have to answer, beside the instances that `say` finds.
   * @param isFinal an answer after which no other matters.
   * @param say sends the question and gives the instances that are there to hear it; undefined where it could not.
   * @returns the answers, or undefined when not all came.
   * @throws the signal's reason.
   */
  async ask(
    names: readonly string[],
    isFinal: (answer: AnswerMessage) => boolean,
    say: (id: number) => Promise<readonly string[] | undefined>,
    signal: AbortSignal,
  ): Promise<readonly AnswerMessage[] | undefined> {
    const id = (this.#lastId += 1)
    const { promise, resolve, reject } = Promise.withResolvers<readonly AnswerMessage[] | undefined>()
    const question: OpenQuestion = {
      answers: new Map(),
      names: new Set(names),
      instances: undefined,
      isFinal,
      settle: resolve,
    }
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    using _timer = this.#clock.after(this.#timeoutMs, () => resolve(undefined))
    this.#open.set(id, question)
    try {
      // Answers may be here before it is known who will answer.
      void this.#address(question, say(id))
      return await promise
    } finally {
      this.#open.delete(id)
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Takes an answer; one that nobody waits for any more says nothing. */
  answer(answer: AnswerMessage): void {
    const question = this.#open.get(answer.id)
    if (question === undefined) return
    if (question.isFinal(answer)) question.settle([answer])
    if (!question.answers.has(answer.from)) question.answers.set(answer.from, answer)
    settleIfComplete(question)
  }

  /** Answers can come no more: all that are under way end without them. */
  endAll(): void {
    for (const { settle } of this.#open.values()) settle(undefined)
  }

  async #address(question: OpenQuestion, said: Promise<readonly string[] | undefined>): Promise<void> {
    question.instances = await said
    if (question.instances === undefined) question.settle(undefined)
    settleIfComplete(question)
  }
}

function settleIfComplete({ answers, names, instances, settle }: OpenQuestion): void {
  if (instances === undefined || !instances.every((instance) => answers.has(instance))) return
  const answered = new Set([...answers.keys()].map((instance) => nameOf(instance)))
  if ([...names].every((name) => answered.has(name))) settle([...answers.values()])
}
