import { Command, InvalidArgumentError, Option } from 'commander'
import { SystemClock } from '../../../src/core/clock.ts'
import { openTestbed, statusOf, takeDown } from './bed.ts'
import { provideBinaries } from './binaries/build.ts'
import { parseNode, type NodeOptions } from './nodes.ts'
import { MissingPrerequisites, requirePrerequisites } from './prerequisites.ts'
import { imageCommand } from './real-kubelet/image-command.ts'

/** `npm run testbed -- up | down | status | build | images`. Exit status: 0 done, 1 failed, 3 something is missing on this machine. */
const clock = new SystemClock()
const MISSING = 3

interface UpOptions {
  readonly stateDir?: string
  readonly kubelet?: 'process' | 'real'
  readonly nodes?: readonly NodeOptions[]
  readonly images?: string
  readonly backoffScale?: number
  readonly nodeGraceSeconds?: number
}

const stateDir = new Option(
  '--state-dir <folder>',
  'where the bed keeps its state (default: .testbed in the repository, or PILOTLIGHT_TESTBED)',
)

function addNode(text: string, before: readonly NodeOptions[] = []): NodeOptions[] {
  try {
    return [...before, parseNode(text)]
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
  }
}

function positive(text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new InvalidArgumentError(`got ${text}; allowed: a number above 0`)
  return number
}

async function up(options: UpOptions): Promise<void> {
  const startedMs = clock.now()
  const bed = await openTestbed(options)
  const seconds = ((clock.now() - startedMs) / 1_000).toFixed(1)
  console.log(
    `up after ${seconds} s: KUBECONFIG=${bed.kubeconfigPath} nsenter --net=${bed.namespaceFile} ${bed.binaries}/kubectl get nodes`,
  )
}

function status(options: { readonly stateDir?: string }): void {
  const found = statusOf(options.stateDir)
  if (found === undefined) {
    console.log('no test bed is up')
    return
  }
  const { layout, state, running } = found
  console.log(`${layout.stateDir}: ${state.kubelet} kubelet, namespace ${layout.namespaceFile}`)
  for (const [name, isRunning] of running) {
    console.log(
      `${isRunning ? 'running' : 'ended  '} ${String(state.processes[name]?.pid).padStart(8)} ${name}`,
    )
  }
}

const program = new Command('testbed').description('A real Kubernetes on this machine, for tests')
program
  .command('up')
  .description('brings it up, and does nothing if it is up already')
  .addOption(stateDir)
  .addOption(new Option('--kubelet <kind>', 'what plays the nodes').choices(['process', 'real']))
  .option(
    '--nodes <node...>',
    'NAME[,gpus=N][,label:KEY=VALUE][,taint:KEY=VALUE:EFFECT] (default: node-a gpu-a,gpus=8)',
    addNode,
  )
  .option('--images <file>', 'YAML file that says what the process kubelets run for an image')
  .option('--backoff-scale <factor>', 'multiplies the waits of CrashLoopBackOff (default: 0.1)', positive)
  .option(
    '--node-grace-seconds <s>',
    'how long a node may be silent before it is NotReady (default: 50)',
    positive,
  )
  .action(up)
program
  .command('down')
  .description('ends it and removes every trace, also after a crash')
  .addOption(stateDir)
  .action((options: { readonly stateDir?: string }) => takeDown(options.stateDir))
program.command('status').description('says what runs').addOption(stateDir).action(status)
program
  .command('build')
  .description('builds the binaries, once per machine')
  .action(async () => {
    await requirePrerequisites()
    console.log(await provideBinaries())
  })
program.addCommand(imageCommand())

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = error instanceof MissingPrerequisites ? MISSING : 1
}
