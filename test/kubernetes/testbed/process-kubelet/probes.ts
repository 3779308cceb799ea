import type { Clock } from '../../../../src/core/clock.ts'
import type { ContainerSpec, Probe } from './objects.ts'
import { runProbe } from './probe.ts'

export interface ProbesOptions {
  readonly spec: ContainerSpec
  readonly clock: Clock
  /** Ends with the container. */
  readonly life: AbortSignal
  /** Ends when the pod begins to stop. */
  readonly stopping: AbortSignal
  readonly attempt: (probe: Probe, timeoutMs: number) => Promise<boolean>
  /** The startup probe has succeeded. */
  readonly started: () => void
  readonly ready: (isReady: boolean) => void
  /** The startup or the liveness probe has failed for good. */
  readonly failed: (probe: Probe) => void
}

/** Runs the three probes of a container that has just begun, each at its own pace. */
export function runProbes(options: ProbesOptions): void {
  const { spec, clock, life, stopping } = options
  const { startupProbe, livenessProbe, readinessProbe } = spec
  const startup = Promise.withResolvers<void>()
  const run = (
    probe: Probe | undefined,
    signal: AbortSignal,
    { begin, report }: { begin: Promise<void>; report: (isSuccess: boolean) => void },
  ): void => {
    if (probe === undefined) return
    const attempt = (timeoutMs: number): Promise<boolean> => options.attempt(probe, timeoutMs)
    runProbe({ probe, clock, signal, begin, attempt, report }).catch((error: unknown) => {
      console.log(
        `a probe of container ${spec.name} cannot be done:`,
        error instanceof Error ? error.message : error,
      )
    })
  }
  // A pod that stops is not killed by its probes; but it may still say that it wants no more requests.
  const untilStopping = AbortSignal.any([life, stopping])
  const startupDone = new AbortController()
  if (startupProbe === undefined) startup.resolve()
  run(startupProbe, AbortSignal.any([untilStopping, startupDone.signal]), {
    begin: Promise.resolve(),
    report: (isSuccess) => {
      startupDone.abort()
      if (isSuccess) {
        options.started()
        startup.resolve()
      } else if (startupProbe !== undefined) options.failed(startupProbe)
    },
  })
  run(livenessProbe, untilStopping, {
    begin: startup.promise,
    report: (isSuccess) => {
      if (!isSuccess && livenessProbe !== undefined) options.failed(livenessProbe)
    },
  })
  run(readinessProbe, life, { begin: startup.promise, report: options.ready })
}
