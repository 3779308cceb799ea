import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SystemClock } from '../../src/core/clock.ts'
import { provide } from './cache.ts'
import { grpc } from './grpc.ts'
import { h2spec } from './h2spec.ts'
import { kserve } from './kserve.ts'
import { openai } from './openai.ts'
import { scaling } from './scaling.ts'
import { missing } from './prerequisites.ts'
import { Report, sum, type Totals } from './report.ts'
import type { Suite } from './suite.ts'

/**
 * `npm run interop [-- --only NAME] [--direct] [--build]`: other people's clients and servers with the gateway between.
 * `--direct` leaves the gateway out, `--build` only builds the tools. The last line has the counts.
 * Exit status: 0 all passed, 1 some failed, 2 an argument cannot be used, 3 a program of the machine is missing.
 */
const suites: readonly Suite[] = [h2spec, grpc, kserve, openai, scaling]
const clock = new SystemClock()
const MISSING_PROGRAM = 3

class UnusableArgument extends Error {
  override readonly name = 'UnusableArgument'
}

function chosen(names: readonly string[]): readonly Suite[] {
  for (const name of names) {
    if (suites.some((suite) => suite.name === name)) continue
    throw new UnusableArgument(
      `--only: got ${name}; allowed: ${suites.map((suite) => suite.name).join(', ')}`,
    )
  }
  return names.length === 0 ? suites : suites.filter(({ name }) => names.includes(name))
}

async function runSuite(suite: Suite, direct: boolean): Promise<Totals> {
  console.log(`\n== ${suite.title}${direct ? ', without the gateway' : ''}`)
  const report = new Report(suite.name)
  const scratch = mkdtempSync(join(tmpdir(), `pilotlight-interop-${suite.name}-`))
  const startedMs = clock.now()
  try {
    await suite.run({ direct, report, scratch })
  } catch (error) {
    report.fail('the whole suite', error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  const seconds = ((clock.now() - startedMs) / 1_000).toFixed(1)
  console.log(`${suite.name}: ${countsOf(report.totals)} in ${seconds} s`)
  return report.totals
}

function countsOf({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      direct: { type: 'boolean', default: false },
      build: { type: 'boolean', default: false },
    },
  })
  const wanted = chosen(values.only)
  const lacking = await missing(['flock', ...wanted.flatMap(({ programs }) => programs)])
  if (lacking.length > 0) {
    console.error(`The interoperability tests cannot run on this machine:\n  ${lacking.join('\n  ')}`)
    return MISSING_PROGRAM
  }
  for (const tool of new Set(wanted.flatMap(({ tools }) => tools))) await provide(tool)
  if (values.build) return 0
  const all: Totals[] = []
  for (const suite of wanted) all.push(await runSuite(suite, values.direct))
  const totals = sum(all)
  console.log(`\n${countsOf(totals)}`)
  return totals.failed === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  const isUsage = error instanceof UnusableArgument || (error instanceof TypeError && 'code' in error)
  if (!isUsage) throw error
  console.error(error.message)
  process.exitCode = 2
}
