import type { Signal } from '../src/core/decision.ts'
import type { HpaMetricInput } from './hpa/index.ts'
import type { Policy } from './policy.ts'
import type { KpaResult } from './scale-kpa.ts'
import { waitingLimit } from './scale-to-zero.ts'

/** The two windows of the KPA. */
export function kpaSignals(
  { metric, target }: Policy,
  { stable, panic }: { readonly stable: number; readonly panic: number },
  { wanted }: KpaResult,
): readonly Signal[] {
  const unit = metric === 'rps' ? 'requests per second' : 'requests at once'
  const of = (window: 'stable' | 'panic', value: number): Signal => ({
    name: `${window} window`,
    unit,
    value,
    target,
    proposal: wanted[window],
    binding: wanted.leading === window,
  })
  return [of('stable', stable), of('panic', panic)]
}

/** A metric of the HPA in units and percents instead of thousandths. */
export function hpaSignal(input: HpaMetricInput): Signal {
  const { name, binding, replicas, error } = input
  return {
    name,
    ...measured(input),
    ...(replicas === undefined ? {} : { proposal: replicas }),
    binding,
    ...(error === undefined ? {} : { reason: error }),
  }
}

function measured({
  target,
  value,
  averageValue,
  utilization,
}: HpaMetricInput): Pick<Signal, 'unit' | 'value' | 'target'> {
  if (target.averageValue !== undefined) {
    return fieldsOf('per replica', unitsOf(averageValue), unitsOf(target.averageValue))
  }
  if (target.averageUtilization !== undefined) {
    return fieldsOf('% of what replicas ask for', utilization, target.averageUtilization)
  }
  return fieldsOf('in all', unitsOf(value), unitsOf(target.value))
}

function fieldsOf(
  unit: string,
  value: number | undefined,
  target: number | undefined,
): Pick<Signal, 'unit' | 'value' | 'target'> {
  return { unit, ...(value === undefined ? {} : { value }), ...(target === undefined ? {} : { target }) }
}

/** From thousandths. */
function unitsOf(milli: number | string | undefined): number | undefined {
  return milli === undefined ? undefined : Number(milli) / 1000
}

/** Where requests that wait are why there is a replica at all, they are the signal that counts. */
export function withWaiting(
  signals: readonly Signal[],
  { waiting }: { readonly waiting: number },
  { replicas, limits }: { readonly replicas: number | undefined; readonly limits: readonly string[] },
): readonly Signal[] {
  if (replicas === undefined || !limits.includes(waitingLimit(waiting))) return signals
  const woken: Signal = {
    name: 'waiting',
    unit: 'requests',
    value: waiting,
    proposal: replicas,
    binding: true,
  }
  return [...signals.map((signal) => ({ ...signal, binding: false })), woken]
}
