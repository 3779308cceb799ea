import type { Decision, Signal } from '../core/decision.ts'

/** What a decision often has in common with those before: everything but its numbers. */
export interface Shape extends Omit<
  Decision,
  'atMs' | 'replicas' | 'signals' | 'inputs' | 'excessBurstCapacity'
> {
  readonly hasReplicas: boolean
  readonly metric: Decision['inputs']['metric']
  readonly target: number
  readonly signals: readonly SignalShape[]
}

interface SignalShape {
  readonly signal: Omit<Signal, 'value' | 'proposal'>
  /** What its value is: that of a window is one of the inputs already. */
  readonly value: 'none' | 'stable' | 'panic' | 'own'
  readonly hasProposal: boolean
}

export function shapeOf(decision: Decision): Shape {
  const { class: kind, mode, limits, signals, inputs, windowsMs, conditions } = decision
  return {
    class: kind,
    mode,
    hasReplicas: decision.replicas !== undefined,
    limits,
    signals: signals.map((signal) => signalShapeOf(signal, inputs)),
    metric: inputs.metric,
    target: inputs.target,
    windowsMs,
    ...(conditions === undefined ? {} : { conditions }),
  }
}

function signalShapeOf(signal: Signal, inputs: Decision['inputs']): SignalShape {
  const { name, unit, target, binding, reason, proposal } = signal
  return {
    signal: {
      name,
      unit,
      binding,
      ...(target === undefined ? {} : { target }),
      ...(reason === undefined ? {} : { reason }),
    },
    value: valueKind(signal, inputs),
    hasProposal: proposal !== undefined,
  }
}

export function hasShape(decision: Decision, shape: Shape): boolean {
  const { inputs, limits, signals, windowsMs, conditions } = decision
  return (
    decision.class === shape.class &&
    decision.mode === shape.mode &&
    (decision.replicas !== undefined) === shape.hasReplicas &&
    inputs.metric === shape.metric &&
    inputs.target === shape.target &&
    areSame(limits, shape.limits, Object.is) &&
    areSame(signals, shape.signals, (signal, known) => isSameSignal(signal, known, inputs)) &&
    hasSameEntries(windowsMs, shape.windowsMs) &&
    areSame(conditions ?? [], shape.conditions ?? [], hasSameEntries)
  )
}

function valueKind({ value }: Signal, { stable, panic }: Decision['inputs']): SignalShape['value'] {
  if (value === undefined) return 'none'
  if (Object.is(value, stable)) return 'stable'
  return Object.is(value, panic) ? 'panic' : 'own'
}

function isSameSignal(signal: Signal, known: SignalShape, inputs: Decision['inputs']): boolean {
  const { name, unit, target, binding, reason } = known.signal
  return (
    signal.name === name &&
    signal.binding === binding &&
    signal.target === target &&
    signal.reason === reason &&
    signal.unit === unit &&
    (signal.proposal !== undefined) === known.hasProposal &&
    valueKind(signal, inputs) === known.value
  )
}

function areSame<A, B>(a: readonly A[], b: readonly B[], isSame: (a: A, b: B) => boolean): boolean {
  return a.length === b.length && a.every((item, index) => isSame(item, b[index]!))
}

function hasSameEntries(a: object, b: object): boolean {
  if (a === b) return true
  const there = new Map<string, unknown>(Object.entries(b))
  const entries = Object.entries(a)
  return entries.length === there.size && entries.every(([key, value]) => there.get(key) === value)
}

/**
 * The numbers of a decision but for its time, in the order in which `decisionOf` takes them. The first is the excess burst
 * capacity.
 */
export function numbersOf(decision: Decision, { signals }: Shape): readonly number[] {
  const { replicas, inputs, excessBurstCapacity } = decision
  const { stable, panic, ready, starting, waiting } = inputs
  const numbers = [excessBurstCapacity, stable, panic, ready, starting, waiting]
  if (replicas !== undefined) numbers.push(replicas)
  for (const [index, { value, proposal }] of decision.signals.entries()) {
    if (value !== undefined && signals[index]?.value === 'own') numbers.push(value)
    if (proposal !== undefined) numbers.push(proposal)
  }
  return numbers
}

/** The decision again. @param next one number after the other */
export function decisionOf(shape: Shape, atMs: number, next: () => number): Decision {
  const { hasReplicas, metric, target, signals, ...rest } = shape
  const excessBurstCapacity = next()
  const inputs = {
    metric,
    stable: next(),
    panic: next(),
    ready: next(),
    starting: next(),
    waiting: next(),
    target,
  }
  const replicas = hasReplicas ? next() : undefined
  const valueOf = { stable: () => inputs.stable, panic: () => inputs.panic, own: next }
  return {
    ...rest,
    atMs,
    replicas,
    signals: signals.map(({ signal, value, hasProposal }) => ({
      ...signal,
      ...(value === 'none' ? {} : { value: valueOf[value]() }),
      ...(hasProposal ? { proposal: next() } : {}),
    })),
    inputs,
    excessBurstCapacity,
  }
}
