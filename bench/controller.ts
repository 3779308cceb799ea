/**
 * What the controller costs on Kubernetes, and how soon a service can be asked after it was applied:
 * `npm run bench:controller [-- --quick] [--services 300] [--changes 100] [--profile FOLDER] [-o json]`.
 *
 *     etcd, API server, controllers, scheduler (the test bed) ◀── kwok: pretended nodes and pods
 *        ▲            ▲                                                  10.200.0.0/16 ──▶ one server answers for all pods
 *        │ watch      │ watch, write                                           ▲
 *     gateway     controller        (one process each, with their service accounts)
 *        ▲
 *        └── this benchmark: applies services, asks for each until it is answered
 *
 * Comes up in a network namespace of its own and takes everything down at the end. It needs what the test bed needs:
 * Linux, root, Go (test/kubernetes/testbed/README.md), and redis-server.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { takeDown } from '../test/kubernetes/testbed/bed.ts'
import { MissingPrerequisites, openTestbed } from '../test/kubernetes/testbed/index.ts'
import type { MeasureOptions } from './kubernetes/measure.ts'
import { provideStages } from './kubernetes/stages.ts'
import { choices, wholeNumber } from './options.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    services: { type: 'string' },
    changes: { type: 'string' },
    rate: { type: 'string', default: '10' },
    rest: { type: 'string' },
    profile: { type: 'string' },
    'state-dir': { type: 'string', default: '.testbed-bench' },
    output: { type: 'string', short: 'o', default: 'table' },
  },
})
const { quick } = values
const [output] = choices('-o', values.output, ['table', 'json'])
const stateDir = resolve(values['state-dir'])
const measure: MeasureOptions = {
  stateDir,
  stages: '',
  services: wholeNumber('--services', values.services ?? (quick ? '30' : '300'), 1, 10_000),
  changes: wholeNumber('--changes', values.changes ?? (quick ? '20' : '100'), 1, 10_000),
  ratePerSecond: wholeNumber('--rate (changes a second)', values.rate, 1, 1_000),
  restSeconds: wholeNumber('--rest (seconds)', values.rest ?? (quick ? '15' : '60'), 5, 3_600),
  output: output === 'json' ? 'json' : 'table',
  ...(values.profile === undefined ? {} : { profile: resolve(values.profile) }),
}
if (existsSync(stateDir)) {
  console.error(
    `--state-dir: ${stateDir} is there already: a test bed that is up, or was left; npm run testbed -- down --state-dir ${stateDir}`,
  )
  process.exit(2)
}
if (measure.profile !== undefined) mkdirSync(measure.profile, { recursive: true })

const over = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => over.abort())

/** All of it happens inside the bed's network. */
async function measureInside(namespaceFile: string, stages: string): Promise<number> {
  const program = fileURLToPath(new URL('kubernetes/measure.ts', import.meta.url))
  const options = JSON.stringify({ ...measure, stages })
  const child = spawn(
    'nsenter',
    [`--net=${namespaceFile}`, 'setpriv', '--pdeathsig', 'TERM', process.execPath, program, options],
    { stdio: 'inherit' },
  )
  over.signal.addEventListener('abort', () => child.kill('SIGTERM'))
  if (over.signal.aborted) child.kill('SIGTERM')
  const [code]: unknown[] = await once(child, 'exit')
  return typeof code === 'number' ? code : 1
}

try {
  const stages = await provideStages(join(stateDir, 'kwok'))
  const bed = await openTestbed({ stateDir, nodes: [] })
  process.exitCode = over.signal.aborted ? 130 : await measureInside(bed.namespaceFile, stages)
} catch (error) {
  if (!(error instanceof MissingPrerequisites)) throw error
  console.error(error.message)
  process.exitCode = 1
} finally {
  await takeDown(stateDir)
}
