import { expect, it } from 'vitest'
import { soak } from '../soak/soak.ts'

/** Two minutes of what `npm run soak` does for an hour. */
const MINUTES = 2

it('in mixed traffic for a while nothing adds up: memory, handles, requests', async () => {
  const { report, faults } = await soak({ minutes: MINUTES, tell: () => {} })
  if (faults.length > 0) console.log(report.join('\n'))
  expect(faults).toEqual([])
}, 300_000)
