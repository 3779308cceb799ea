import type { InferenceServiceObject } from '../control/view.ts'
import type { Backend } from './backend.ts'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { withProgress } from './progress.ts'

export interface CanaryOptions {
  readonly namespace: string
  readonly wait: boolean
  /** How long to wait for the status to show it, in seconds; 0 = for ever. */
  readonly timeout: number
}

/** @throws CliError (usage) */
export function readPercent(text: string): number {
  const percent = /^\d{1,3}%?$/.test(text) ? Number.parseInt(text, 10) : Number.NaN
  if (percent <= 100) return percent
  throw new CliError(
    'usage',
    `PERCENT: ${JSON.stringify(text)} is not valid; it is a whole number from 0 to 100`,
  )
}

/** Sets the share of the latest revision (undefined: all of it, promotion), and waits until the traffic shows it. */
export async function setCanary(
  io: Io,
  backend: Pick<Backend, 'changes' | 'service'>,
  name: string,
  percent: number | undefined,
  options: CanaryOptions,
): Promise<void> {
  const sent = backend.changes.setCanary(options.namespace, name, percent)
  await withProgress(io, () => `setting the canary of ${name}`, sent)
  if (!options.wait) {
    io.out(`${name}: set\n`)
    return
  }
  const wanted = percent ?? 100
  let seen: number | undefined
  const sentence = (): string =>
    `waiting for ${name}: the latest revision has ${seen ?? 0}%, wanted ${wanted}%`
  const timeout = new AbortController()
  using _timer =
    options.timeout > 0
      ? io.clock.after(options.timeout * 1000, () => timeout.abort())
      : { [Symbol.dispose]() {} }
  const signal = AbortSignal.any([io.signal, timeout.signal])
  const reached = async (): Promise<InferenceServiceObject | undefined> => {
    for await (const service of backend.service(options.namespace, name, signal)) {
      seen = latestPercent(service)
      // In Standard mode the canaries are a list of their own, and status.traffic is empty.
      if (seen === wanted || service?.status.deploymentMode === 'Standard') return service
    }
    return undefined
  }
  const service = await withProgress(io, sentence, reached())
  if (service === undefined) {
    throw new CliError(
      'failed',
      `${sentence()}: not reached within ${options.timeout}s (it stays set; see pilotlight get isvc ${name})`,
    )
  }
  io.out(`${name}: ${describeTraffic(service)}\n`)
}

function latestPercent(service: InferenceServiceObject | undefined): number | undefined {
  const latest = service?.status.components?.predictor?.traffic?.filter((target) => target.latestRevision)
  return latest === undefined || latest.length === 0
    ? undefined
    : latest.reduce((sum, target) => sum + target.percent, 0)
}

/** `iris-predictor-00002 10%, iris-predictor-00001 90%` */
function describeTraffic({ status }: InferenceServiceObject): string {
  const traffic = status.components?.predictor?.traffic ?? []
  return traffic.map(({ revisionName, percent }) => `${revisionName} ${percent}%`).join(', ') || 'set'
}
