import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SystemClock } from '../../src/core/clock.ts'
import { lock } from '../interop/cache.ts'
import { takeDown } from './testbed/bed.ts'
import { cacheFolder } from './testbed/binaries/build.ts'
import { MissingPrerequisites, openTestbed, type Testbed } from './testbed/index.ts'
import { requirePrerequisites } from './testbed/prerequisites.ts'
import { layoutOf, repository } from './testbed/state.ts'

/**
 * `npm run test:kubernetes [-- [--kubelet real] [--keep] [--state-dir FOLDER] [FILE...]]`: brings a test bed up, runs the
 * tests inside its network and takes it down (`--keep` leaves it). Runs with state folders of their own go side by side.
 * Without files these are all tests, and with the real kubelet those of `REAL_KUBELET_FILES`.
 * With PILOTLIGHT_TEST_KUBECONFIG the tests run against that cluster, and no bed comes up.
 *
 * The last line has the counts. Exit status: 0 all passed, or nothing could run on this machine; 1 some failed.
 */

/** So that tests of lost nodes do not take minutes. */
const NODE_GRACE_SECONDS = 16
const WAITING_MS = 1_000
/** What has to be seen with real pods: that the product works, and that the process kubelet plays its part rightly. */
const REAL_KUBELET_FILES = ['acceptance', 'kubelet', 'components', 'testbed'].map(
  (name) => `test/kubernetes/suite/${name}.test.ts`,
)
const clock = new SystemClock()

interface BedRun {
  readonly kubelet: 'process' | 'real'
  readonly keep: boolean
  readonly stateDir: string
  readonly files: readonly string[]
}

interface Run {
  readonly files: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The words before the command, such as `nsenter --net=...`. */
  readonly prefix: readonly string[]
}

interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

async function main(): Promise<number> {
  const { values, positionals: files } = parseArgs({
    options: {
      kubelet: { type: 'string', default: 'process' },
      keep: { type: 'boolean', default: false },
      'state-dir': { type: 'string', default: join(repository, '.testbed-suite') },
    },
    allowPositionals: true,
  })
  const { kubelet, keep, 'state-dir': stateDir } = values
  if (kubelet !== 'process' && kubelet !== 'real') {
    throw new Error(`--kubelet: got ${kubelet}; allowed: process, real`)
  }
  const given = process.env['PILOTLIGHT_TEST_KUBECONFIG']
  if (given !== undefined) return report(await runTests({ files, env: { KUBECONFIG: given }, prefix: [] }))
  try {
    return report(await inTestbed({ kubelet, keep, stateDir, files }))
  } catch (error) {
    if (!(error instanceof MissingPrerequisites)) throw error
    console.log(`The tests on Kubernetes were left out: ${error.message}`)
    return process.env['CI'] === undefined || process.env['CI'] === '' ? 0 : 1
  }
}

async function inTestbed({ kubelet, keep, stateDir, files }: BedRun): Promise<Totals> {
  await requirePrerequisites()
  mkdirSync(cacheFolder, { recursive: true })
  // Another run in the same checkout comes after this one.
  await using _lock = await lockRun(layoutOf(stateDir).name)
  // What an interrupted run has left.
  await takeDown(stateDir)
  let bed: Testbed | undefined
  try {
    bed = await openTestbed({ kubelet, stateDir, nodeGraceSeconds: NODE_GRACE_SECONDS })
    console.log(`testbed: KUBECONFIG=${bed.kubeconfigPath} nsenter --net=${bed.namespaceFile} COMMAND`)
    return await runTests({
      files: files.length === 0 && kubelet === 'real' ? REAL_KUBELET_FILES : files,
      env: { KUBECONFIG: bed.kubeconfigPath, PILOTLIGHT_TESTBED: bed.stateDir },
      prefix: ['nsenter', `--net=${bed.namespaceFile}`],
    })
  } finally {
    if (!keep) await takeDown(stateDir)
  }
}

async function lockRun(bed: string): Promise<AsyncDisposable> {
  using _note = clock.after(WAITING_MS, () => {
    console.log('waiting for another run with this state folder (--state-dir gives one of its own)')
  })
  return await lock(join(cacheFolder, `${bed}.run.lock`))
}

/** A run that died without a report counts as one failed test. */
async function runTests({ files, env, prefix }: Run): Promise<Totals> {
  const scratch = mkdtempSync(join(tmpdir(), 'pilotlight-test-kubernetes-'))
  const output = join(scratch, 'report.json')
  const vitest = join(repository, 'node_modules', 'vitest', 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${output}`]
  const [file, ...args] = [
    ...prefix,
    process.execPath,
    vitest,
    'run',
    '--project=kubernetes',
    ...reporters,
    ...files,
  ]
  try {
    const child = spawn(file!, args, { cwd: repository, stdio: 'inherit', env: { ...process.env, ...env } })
    const exit = once(child, 'exit')
    // Whoever interrupts this ends the tests first, and then the bed goes down as always.
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => child.kill(name))
    const [status] = await exit
    const counts: Record<`num${'Passed' | 'Failed' | 'Pending' | 'Todo'}Tests`, number> = JSON.parse(
      readFileSync(output, 'utf8'),
    )
    const failed = counts.numFailedTests
    return {
      passed: counts.numPassedTests,
      failed: status === 0 || failed > 0 ? failed : 1,
      skipped: counts.numPendingTests + counts.numTodoTests,
    }
  } catch (error) {
    console.error(`the tests left no report: ${error instanceof Error ? error.message : String(error)}`)
    return { passed: 0, failed: 1, skipped: 0 }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function report({ passed, failed, skipped }: Totals): number {
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
  return failed === 0 ? 0 : 1
}

process.exitCode = await main()
