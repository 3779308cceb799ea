import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inLanes, numberFrom, randomOf, seed } from '../fuzz/seeded.ts'
import { startOwnPath, startSimplePath, type Path } from '../paths.ts'
import { generateConversation, hold, told, type Record } from './conversation.ts'

const LANES = 6
/** Requests that are sent through both paths. */
const REQUESTS = numberFrom('PILOTLIGHT_DIFFERENTIAL_RUNS') ?? 3_000

let lanes: (readonly [own: Path, simple: Path])[] = []
beforeAll(async () => {
  lanes = await Promise.all(
    Array.from({ length: LANES }, () => Promise.all([startOwnPath(), startSimplePath()])),
  )
})
afterAll(() => Promise.all(lanes.flat().map((path) => path.close())))

describe('the data path and the simple one', () => {
  it('give the same answers and ask replicas the same', { timeout: 3_600_000 }, async () => {
    const faults: string[] = []
    let sent = 0
    await inLanes(lanes, REQUESTS, async ([own, simple], run) => {
      // A run is a conversation of several requests.
      if (sent >= REQUESTS || faults.length > 10) return
      const conversation = generateConversation(randomOf(run))
      sent += conversation.requests.length
      const [ours, theirs] = await Promise.all([hold(own, conversation), hold(simple, conversation)])
      const differences = differencesOf(ours, theirs)
      if (differences.length > 0)
        faults.push([`run ${run}`, ...differences, ...told(conversation)].join('\n'))
    })
    expect(faults, `PILOTLIGHT_FUZZ_SEED=${seed}`).toEqual([])
    expect(sent).toBeGreaterThanOrEqual(REQUESTS)
  })
})

function differencesOf(ours: Record, theirs: Record): string[] {
  const differences = [
    ...ours.wrong.map((wrong) => `own: ${wrong}`),
    ...theirs.wrong.map((wrong) => `simple: ${wrong}`),
  ]
  if (ours.end !== theirs.end) differences.push(`end: own ${ours.end}, simple ${theirs.end}`)
  for (const side of ['answers', 'requests'] as const) {
    const [own, simple] = [ours[side], theirs[side]]
    if (own.length !== simple.length) differences.push(`${side}: own ${own.length}, simple ${simple.length}`)
    for (let at = 0; at < Math.min(own.length, simple.length); at++)
      for (const part of ['start', 'fields', 'framing', 'body', 'trailers'] as const) {
        const a = [own[at]![part]].flat()
        const b = [simple[at]![part]].flat()
        const more = JSON.stringify(a.filter((one) => !b.includes(one)))
        const less = JSON.stringify(b.filter((one) => !a.includes(one)))
        if (more !== less) differences.push(`${side}[${at}].${part}: own ${more}, simple ${less}`)
      }
  }
  return differences
}
