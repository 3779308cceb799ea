import type { Decision, Signal } from '../core/decision.ts'

const KEPT = 1_000

/**
 * The newest decisions of one revision. A decision that says the same as the one before takes its place, so an
 * idle hour is one entry and the thousand reach far back.
 */
export class DecisionLog {
  readonly #decisions: Decision[] = []
  /** Where the next one goes once the log is full. */
  #oldest = 0

  get newest(): Decision | undefined {
    return this.#decisions.at(this.#oldest - 1)
  }

  /** Oldest first. */
  all(): readonly Decision[] {
    return [...this.#decisions.slice(this.#oldest), ...this.#decisions.slice(0, this.#oldest)]
  }

  add(decision: Decision): void {
    const newest = this.newest
    if (newest !== undefined && saysTheSame(newest, decision)) {
      this.#decisions[this.#decisions.indexOf(newest)] = decision
    } else if (this.#decisions.length < KEPT) {
      this.#decisions.push(decision)
    } else {
      this.#decisions[this.#oldest] = decision
      this.#oldest = (this.#oldest + 1) % KEPT
    }
  }
}

function saysTheSame(a: Decision, b: Decision): boolean {
  return (
    a.class === b.class &&
    a.replicas === b.replicas &&
    a.mode === b.mode &&
    a.inputs.stable === b.inputs.stable &&
    a.inputs.panic === b.inputs.panic &&
    a.inputs.ready === b.inputs.ready &&
    a.inputs.starting === b.inputs.starting &&
    a.inputs.waiting === b.inputs.waiting &&
    a.limits.length === b.limits.length &&
    a.limits.every((limit, index) => limit === b.limits[index]) &&
    a.signals.length === b.signals.length &&
    a.signals.every((signal, index) => isSameSignal(signal, b.signals[index]))
  )
}

function isSameSignal(a: Signal, b: Signal | undefined): boolean {
  return (
    a.name === b?.name &&
    a.value === b.value &&
    a.target === b.target &&
    a.proposal === b.proposal &&
    a.binding === b.binding &&
    a.reason === b.reason
  )
}
