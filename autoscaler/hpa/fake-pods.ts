import type { HpaPod } from './pods.ts'

/** Pods of tests: running and ready since long, each with one container that asks for one core. */
export function readyPods(count: number, changed: Partial<HpaPod> = {}): HpaPod[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `p${index}`,
    phase: 'Running',
    startMs: -3_600_000,
    ready: { status: 'True', transitionMs: -3_500_000 } as const,
    containers: [{ name: 'server', requests: { cpu: 1000 } }],
    ...changed,
  }))
}
