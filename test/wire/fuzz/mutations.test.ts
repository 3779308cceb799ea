import { describe, expect, it } from 'vitest'
import type { Random } from '../../../src/core/random.ts'
import { requestCases } from '../corpus/index.ts'
import { ask } from '../corpus/judge-answer.ts'
import { answerThemes } from '../corpus/responses.ts'
import { generateRequest } from '../differential/generated-request.ts'
import { startOwnPath, type Path } from '../paths.ts'
import { cutAt, talk } from '../talk.ts'
import { turn } from '../turns.ts'
import { mutate } from './mutate.ts'
import { inLanes, pick, randomOf, runs, seed } from './seeded.ts'

const LANES = 8
const BYTES_MAX = 3_000

/** Sound messages whose answers are read the same way whatever becomes of the method. */
const sound = requestCases
  .filter(
    ({ outcome, message, methods }) =>
      outcome.is === 'passed' && message.length <= BYTES_MAX && methods[0] !== 'HEAD',
  )
  .map(({ message }) => message)

function soundMessage(random: Random): Buffer {
  if (random.below(2) === 0) return pick(random, sound)
  const { method, head, body } = generateRequest(random, '0', { endHere: random.below(2) === 0 })
  return method === 'HEAD' || body.length > BYTES_MAX ? pick(random, sound) : Buffer.concat([head, body])
}

describe('messages with random faults', () => {
  it(
    'end in an answer or a closed connection, smuggle nothing and leave nothing behind',
    { timeout: 600_000 },
    async () => {
      const sockets = openSockets()
      const lanes = await Promise.all(Array.from({ length: LANES }, () => startOwnPath()))
      const faults: string[] = []
      const answered = new Map<Path, number>()
      await inLanes(lanes, runs(3_000), async (lane, run) => {
        if (faults.length > 10) return
        const random = randomOf(run)
        const messages = Array.from({ length: 1 + random.below(3) }, () => soundMessage(random))
        const mutant = mutate(random, Buffer.concat(messages), soundMessage(random))
        const cuts = Array.from({ length: random.below(3) }, () => random.below(mutant.length + 1))
        const wrongBefore = lane.replica.wrong.length
        const heard = await talk(
          lane.port,
          cutAt(
            mutant,
            cuts.sort((a, b) => a - b),
          ),
          { halfClose: true },
        )
        const problems = lane.replica.wrong.slice(wrongBefore)
        if (heard.wrong !== undefined) problems.push(`the answer is no HTTP: ${heard.wrong}`)
        if (heard.end === 'hung') problems.push('neither answered nor closed')
        const ok = heard.answers.filter(({ start }) => start[1] === '200').length
        answered.set(lane, (answered.get(lane) ?? 0) + ok)
        if (problems.length > 0)
          faults.push(
            `run ${run}, cut at ${cuts.join()}: ${problems.join('; ')}\n${JSON.stringify(mutant.toString('latin1').slice(0, 1_500))}`,
          )
      })
      // The last permits come back when the gateway sees the last clients go.
      for (let left = 200; left > 0 && lanes.some(({ activator }) => activator.held > 0); left--) await turn()
      expect(faults, `PILOTLIGHT_FUZZ_SEED=${seed}`).toEqual([])
      for (const lane of lanes) {
        const { replica, activator } = lane
        expect(activator.held, `PILOTLIGHT_FUZZ_SEED=${seed}`).toBe(0)
        // No request reaches a replica but one that the gateway knows of, and none is answered that no replica has read.
        expect(replica.requests.length, `PILOTLIGHT_FUZZ_SEED=${seed}`).toBeLessThanOrEqual(
          activator.acquired.length,
        )
        const whole = replica.requests.filter(({ isWhole }) => isWhole).length
        expect(answered.get(lane) ?? 0, `PILOTLIGHT_FUZZ_SEED=${seed}`).toBeLessThanOrEqual(whole)
        const forwarded = lane.finished.filter(({ status }) => status === 200).length
        expect(forwarded, `PILOTLIGHT_FUZZ_SEED=${seed}`).toBeLessThanOrEqual(whole)
        expect(whole, `PILOTLIGHT_FUZZ_SEED=${seed}`).toBeGreaterThan(0)
      }
      await Promise.all(lanes.map((lane) => lane.close()))
      for (let left = 200; left > 0 && openSockets() > sockets; left--) await turn()
      expect(openSockets(), `PILOTLIGHT_FUZZ_SEED=${seed}`).toBe(sockets)
    },
  )
})

/** Sound answers: each is the last of its connection, so that one that stays short of its length ends too. */
const soundAnswers = Object.values(answerThemes)
  .flat()
  .filter(({ outcome }) => outcome.is === 'passed')
  .map(({ answer }) => Buffer.concat(answer.pieces))
  .filter((message) => message.length <= BYTES_MAX && !message.includes('evil'))

describe('answers with random faults', () => {
  it(
    'end in an answer or a closed connection and never reach another request',
    { timeout: 600_000 },
    async () => {
      const lanes = await Promise.all(Array.from({ length: LANES }, () => startOwnPath()))
      const faults: string[] = []
      await inLanes(lanes, runs(2_000), async (lane, run) => {
        if (faults.length > 10) return
        const random = randomOf(run)
        const mutant = mutate(random, pick(random, soundAnswers), pick(random, soundAnswers))
        const cuts = Array.from({ length: random.below(3) }, () => random.below(mutant.length + 1))
        const pieces = cutAt(
          mutant,
          cuts.sort((a, b) => a - b),
        )
        const method = pick(random, ['GET', 'GET', 'HEAD'])
        const after = pick(random, ['end', 'end', 'reset'] as const)
        const { problems } = await ask(lane, { pieces, after }, { method, version: '1.1' })
        const real = problems.filter((problem) => !problem.startsWith('what should have been left out'))
        if (real.length > 0)
          faults.push(
            `run ${run}, ${method}, then ${after}, cut at ${cuts.join()}: ${real.join('; ')}\n${JSON.stringify(mutant.toString('latin1').slice(0, 1_500))}`,
          )
      })
      const held = lanes.map(({ activator }) => activator.held)
      await Promise.all(lanes.map((lane) => lane.close()))
      expect(faults, `PILOTLIGHT_FUZZ_SEED=${seed}`).toEqual([])
      expect(held).toEqual(lanes.map(() => 0))
    },
  )
})

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(?:TCPSocketWrap|TCPServerWrap)$/.test(name))
    .length
}
