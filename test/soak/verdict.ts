import type { Sample } from './messages.ts'
import type { Kill } from './fleet.ts'
import type { Outcomes } from './outcomes.ts'
import { growthOf, meanOf, type Point } from './trend.ts'

const MB = 1_048_576
/** Code is compiled, pools and caches fill: that much of the beginning says nothing of a trend. */
const WARM_UP = 1 / 3
/** Growth along the trend that may be chance: whatever is larger. An hour of a leak of 10 bytes a request is 5 MB. */
const HEAP_GROWTH_MAX = { bytes: 2 * MB, share: 0.08 }
/** What is on its way at one moment: seen between 8 and 13 MB. */
const BUFFERS_GROWTH_MAX = { bytes: 4 * MB, share: 0.1 }
const RSS_GROWTH_MAX = { bytes: 24 * MB, share: 0.15 }
/** Of all requests, those that may be lost to replicas that were killed. */
const LOST_SHARE_MAX = 0.01

export interface Verdict {
  /** What was seen, in lines for people. */
  readonly report: readonly string[]
  /** What should not have been; empty if all is well. */
  readonly faults: readonly string[]
}

/** TCP connections and servers that are open, whatever they are for. */
export function socketsOf({ handles }: Sample): number {
  return Object.entries(handles).reduce((sum, [name, count]) => (/TCP|TLS/.test(name) ? sum + count : sum), 0)
}

export function judge(seen: {
  readonly atRest: Sample
  readonly samples: readonly Sample[]
  readonly last: Sample
  readonly outcomes: Outcomes
  readonly kills: readonly Kill[]
}): Verdict {
  const { atRest, samples, last, outcomes } = seen
  const report: string[] = []
  const faults: string[] = []

  const warm = samples.slice(Math.floor(samples.length * WARM_UP))
  const flat = (
    name: string,
    max: { bytes: number; share: number },
    of: (sample: Sample) => number,
  ): void => {
    const points: Point[] = warm.map((sample) => ({ atMs: sample.atMs, value: of(sample) }))
    const growth = growthOf(points)
    const bound = Math.max(max.bytes, max.share * meanOf(points))
    const line = `${name}: ${mb(meanOf(points))} MB on average, ${mb(growth)} MB grown along the trend, ${mb(bound)} MB at most`
    report.push(line)
    if (!(growth <= bound)) faults.push(`memory is not flat: ${line}`)
  }
  flat('heap', HEAP_GROWTH_MAX, ({ heapBytes }) => heapBytes)
  flat('buffers', BUFFERS_GROWTH_MAX, ({ externalBytes }) => externalBytes)
  flat('rss', RSS_GROWTH_MAX, ({ rssBytes }) => rssBytes)

  const { lost, unexplained } = outcomes.failed(seen.kills)
  const { sent, answered, brokenOff, underWay } = outcomes
  report.push(
    `requests: ${sent} sent = ${answered} answered + ${brokenOff} broken off on purpose + ${lost.length} lost to ` +
      `${seen.kills.length} killed replicas + ${unexplained.length} failed + ${underWay} without an end`,
  )
  report.push(`kinds: ${[...outcomes.byKind].map(([kind, count]) => `${count} ${kind}`).join(', ')}`)
  if (underWay > 0) faults.push(`${underWay} requests never ended`)
  for (const { kind, error } of unexplained.slice(0, 10))
    faults.push(`a request failed (${kind}): ${error.message}`)
  if (unexplained.length > 10) faults.push(`and ${unexplained.length - 10} more failed`)
  if (lost.length > sent * LOST_SHARE_MAX)
    faults.push(
      `${lost.length} of ${sent} requests were lost to killed replicas, ${sent * LOST_SHARE_MAX} at most`,
    )

  const counted = Object.values(last.finished).reduce((sum, count) => sum + count, 0)
  const statuses = Object.entries(last.finished).map(([status, count]) => `${count} x ${status}`)
  report.push(`the gateway counted: ${counted} requests: ${statuses.join(', ')}`)
  // One that was broken off may have gone before the gateway saw its head.
  if (counted > sent || counted < sent - brokenOff)
    faults.push(`the gateway counted ${counted} requests, ${sent - brokenOff} to ${sent} were sent`)

  report.push(
    `handles at rest: ${JSON.stringify(atRest.handles)}; at the end: ${JSON.stringify(last.handles)}`,
  )
  if (last.connections > 0) faults.push(`at the end ${last.connections} connections of clients are counted`)
  if (last.underWay > 0) faults.push(`at the end ${last.underWay} requests wait or run`)
  for (const [name, { waiting, inFlight }] of Object.entries(last.revisions))
    if (waiting > 0 || inFlight > 0)
      faults.push(`at the end ${name} has ${waiting} waiting, ${inFlight} in flight`)
  if (socketsOf(last) > socketsOf(atRest))
    faults.push(`sockets are left: ${socketsOf(last)}, ${socketsOf(atRest)} at rest`)
  const timersMax = (atRest.handles['Timeout'] ?? 0) + 5
  if ((last.handles['Timeout'] ?? 0) > timersMax)
    faults.push(`timers are left: ${last.handles['Timeout']}, ${timersMax} at most`)
  return { report, faults }
}

const mb = (bytes: number): string => (bytes / MB).toFixed(2)
