/** `npm run soak [-- --minutes N]`: mixed traffic for an hour, or so many minutes; fails if anything adds up over time. */
import { parseArgs } from 'node:util'
import { soak } from './soak.ts'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0)) {
  console.error(`--minutes: got ${JSON.stringify(values.minutes)}, a number above 0 is allowed`)
  process.exit(2)
}
const { report, faults } = await soak({ minutes, tell: (line) => console.log(line) })
console.log(`\n${report.join('\n')}`)
if (faults.length > 0) {
  console.error(`\n${faults.join('\n')}`)
  process.exitCode = 1
}
