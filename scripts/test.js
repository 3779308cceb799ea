// Everything that `npm test` stands for, in order of how fast it says no, and one line of totals at the end.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const scratch = mkdtempSync(join(tmpdir(), 'pilotlight-test-'))
const totals = { passed: 0, failed: 0, skipped: 0 }

/** Runs one tool of node_modules/.bin; a check that says no counts as one failed test. */
function check(title, tool, args) {
  console.log(`\n== ${title}`)
  const { status } = spawnSync(join(root, 'node_modules', '.bin', tool), args, {
    cwd: root,
    stdio: 'inherit',
  })
  totals[status === 0 ? 'passed' : 'failed'] += 1
}

/** Runs one vitest project and adds its counts; a run that died without a report counts as failed. */
function vitest(project) {
  console.log(`\n== ${project} tests`)
  const report = join(scratch, `${project}.json`)
  const args = [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]
  const { status } = spawnSync(join(root, 'node_modules', '.bin', 'vitest'), args, {
    cwd: root,
    stdio: 'inherit',
  })
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
      readFileSync(report, 'utf8'),
    )
    totals.passed += numPassedTests
    totals.failed += numFailedTests
    totals.skipped += numPendingTests + numTodoTests
    if (status !== 0 && numFailedTests === 0) totals.failed += 1
  } catch (error) {
    console.error(`the ${project} tests left no report: ${error.message}`)
    totals.failed += 1
  }
}

/**
 * A suite with a program of its own, whose last line has the counts. Where something is missing that it builds on, it
 * says so and is left out; in CI that is a failure.
 */
async function suite(title, ...args) {
  console.log(`\n== ${title}`)
  // Not the Node that runs this: in a first run the shell still knows the machine's own.
  const node = join(root, 'node_modules', 'node', 'bin', 'node')
  const child = spawn(node, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let lastLine = ''
  for await (const line of createInterface({ input: child.stdout })) {
    console.log(line)
    if (line !== '') lastLine = line
  }
  const [status] = await ended
  if (status === 3 && process.env.CI !== 'true') {
    console.log('It was left out: see above what is missing.')
    return
  }
  const counts = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(lastLine)
  const [passed, failed, skipped] = counts === null ? [0, 0, 0] : counts.slice(1).map(Number)
  totals.passed += passed
  totals.failed += failed
  totals.skipped += skipped
  if (status !== 0 && failed === 0) totals.failed += 1
}

check('format', 'oxfmt', ['--check', '.'])
check('lint', 'oxlint', [])
check('types', 'tsc', [])
vitest('unit')
vitest('end-to-end')
await suite('interoperability', join(root, 'test', 'interop', 'main.ts'))
const kubernetes = join(root, 'test', 'kubernetes', 'run.ts')
await suite('Kubernetes, process kubelet', kubernetes)
await suite('Kubernetes, real kubelet', kubernetes, '--kubelet', 'real')

rmSync(scratch, { recursive: true, force: true })
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
process.exitCode = totals.failed === 0 ? 0 : 1
