import { Command, CommanderError, Option } from 'commander'
import type { Backend } from './backend.ts'
import type { CanaryOptions } from './canary.ts'
import { isCluster, openBackend, type ServerOptions } from './open-backend.ts'
import { CliError, exitCodes } from './errors.ts'
import type { ExplainFiles, LoadRuntimes } from './explain.ts'
import type { Io } from './io.ts'
import { addInstallation } from './program-installation.ts'
import { filesOption, namespaceOption, port, wholeNumber, withExamples } from './program-options.ts'
import type { RoleOptions } from './roles/role-options.ts'
import type { UpOptions } from './up-options.ts'

export type ClusterRole = 'gateway' | 'controller' | 'single'

const CLUSTER_ROLES: Readonly<Record<ClusterRole, string>> = {
  gateway: 'on Kubernetes: carry requests; several of these share the load',
  controller: 'on Kubernetes: start, stop and scale what InferenceServices ask for; one of several leads',
  single: 'on Kubernetes: gateway and controller in one process, without Redis',
}

/** The commands that do more than talk to the admin API; both are loaded when they run. */
export interface Roles {
  readonly up: (options: UpOptions) => Promise<void>
  readonly explainFiles: () => Promise<ExplainFiles>
  /** What runs on Kubernetes. */
  readonly cluster: Readonly<Record<ClusterRole, (options: RoleOptions) => Promise<void>>>
}

/** Runs one command line (without `node` and the script). Answers the exit code; errors are printed, not thrown. */
export async function run(argv: readonly string[], io: Io, version: string, roles: Roles): Promise<number> {
  try {
    await program(io, version, roles).parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
    if (!(error instanceof CliError)) throw error
    io.err(`pilotlight: ${error.message}\n`)
    return error.exitCode
  }
}

/** The commands with their options. What a command does is loaded when it runs: `--version` loads none of it. */
export function program(io: Io, version: string, roles: Roles): Command {
  const root = new Command('pilotlight')
    .description(
      'A scale-to-zero gateway for model inference: routes, holds and scales KServe InferenceServices',
    )
    .version(version, '-V, --version')
    .option(
      '--server <url>',
      'the admin API (default: $PILOTLIGHT_SERVER, else that of `up` in this project)',
    )
    .option(
      '--kubeconfig <file>',
      'work against this cluster (default with --context: $KUBECONFIG, ~/.kube/config)',
    )
    .option('--context <name>', 'context of the kubeconfig; work against its cluster')
    .option(
      '--install-namespace <namespace>',
      'where Pilotlight runs in the cluster (default: where its pods are)',
    )
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showSuggestionAfterError()
    .helpCommand(false)
  /** Runs a command against whatever the options and the environment name, and closes what that opened. */
  const using = async (use: (backend: Backend) => Promise<void>): Promise<void> => {
    await using backend = await openBackend(io, root.opts<ServerOptions>())
    await use(backend)
  }
  const command = (spec: string, description: string, examples: string): Command =>
    withExamples(root.command(spec).description(description), examples)

  command(
    'up [paths...]',
    'serve manifests on this machine, until it is told to stop',
    'pilotlight up examples/iris\npilotlight up models/ --port 8080 --log-level debug',
  )
    .option('-c, --config <file>', 'the configuration (pilotlight.yaml)')
    .option('--port <port>', 'port of the gateway; 0 = any free port', port)
    .option('--admin-port <port>', 'port of the admin API and the web page; 0 = any free port', port)
    .option('--host <address>', 'address that the gateway listens on')
    .option(
      '--workers <count>',
      'threads that carry requests; 0 and 1 = the main thread',
      wholeNumber(0, 256),
    )
    .option('--state-dir <folder>', 'folder for revisions, logs and downloads')
    .addOption(
      new Option('--log-level <level>', 'how much to log').choices(['debug', 'info', 'warn', 'error']),
    )
    .action(async (paths: string[], options: Omit<UpOptions, 'paths'>) => roles.up({ ...options, paths }))

  for (const role of ['gateway', 'controller', 'single'] as const) {
    command(
      role,
      CLUSTER_ROLES[role],
      `pilotlight ${role} --config /etc/pilotlight/pilotlight.yaml\npilotlight ${role} --kubeconfig ~/.kube/config --context test`,
    )
      .option('-c, --config <file>', 'the configuration (pilotlight.yaml)')
      .addOption(
        new Option('--log-level <level>', 'how much to log').choices(['debug', 'info', 'warn', 'error']),
      )
      .action(async (options: RoleOptions) => {
        const { kubeconfig, context } = root.opts<ServerOptions>()
        await roles.cluster[role]({
          ...options,
          ...(kubeconfig === undefined ? {} : { kubeconfig }),
          ...(context === undefined ? {} : { context }),
        })
      })
  }

  command(
    'get <type> [name]',
    'show inferenceservices (isvc), revisions (rev) or replicas (pods)',
    `pilotlight get isvc -A
pilotlight get isvc iris -n ml -o jsonpath='{.status.url}'
pilotlight get replicas -w`,
  )
    .addOption(namespaceOption())
    .option('-A, --all-namespaces', 'of all namespaces', false)
    .option('-o, --output <format>', "table, wide, json, yaml, name or jsonpath='{.status.url}'", 'table')
    .option('-w, --watch', 'go on with whatever changes', false)
    .action(async (type: string, name: string | undefined, options) => {
      const { get } = await import('./get.ts')
      await using(async (backend) => get(io, await backend.admin(), { type, name }, at(backend, options)))
    })

  command(
    'apply',
    'create or change what manifests describe',
    'pilotlight apply -f service.yaml\ncat service.yaml | pilotlight apply -f -',
  )
    .addOption(filesOption().makeOptionMandatory())
    .addOption(namespaceOption())
    .action(async (options) => {
      const { apply } = await import('./apply.ts')
      await using((backend) => apply(io, backend.changes, at(backend, options)))
    })

  command(
    'delete [type] [name]',
    'delete an object, or all that manifests describe',
    'pilotlight delete isvc iris\npilotlight delete -f service.yaml',
  )
    .addOption(filesOption())
    .addOption(namespaceOption())
    .action(async (type: string | undefined, name: string | undefined, options) => {
      const { remove, removeFiles } = await import('./apply.ts')
      if (options.filename !== undefined) {
        if (type !== undefined) throw new CliError('usage', `delete: give either TYPE NAME or -f, not both`)
        await using((backend) => removeFiles(io, backend.changes, at(backend, options)))
      } else if (type === undefined || name === undefined) {
        throw new CliError('usage', 'delete: TYPE and NAME, or -f FILE, are missing')
      } else await using((backend) => remove(io, backend.changes, { type, name, ...at(backend, options) }))
    })

  command(
    'explain',
    'say what Pilotlight makes of manifests, without applying them',
    'pilotlight explain -f service.yaml\npilotlight explain -f models/ --strict -o json',
  )
    .addOption(filesOption().makeOptionMandatory())
    .option('--strict', "KServe's own answer instead of ours, for both deployment modes", false)
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (options) => {
      const { explain } = await import('./explain.ts')
      await withRuntimes((load) => explain(io, options, roles.explainFiles, load))
    })

  addCanary(
    command(
      'canary',
      'move requests between the latest revision and the one before',
      'pilotlight canary set iris 10\npilotlight canary promote iris\npilotlight canary rollback iris',
    ),
  )

  command(
    'why <revision>',
    'show the last scaling decisions of a revision, and their reasons',
    'pilotlight why iris-predictor-00002\npilotlight why iris-predictor-00002 --limit 100 -o json',
  )
    .addOption(namespaceOption())
    .option('--limit <count>', 'how many decisions at most', wholeNumber(1, 1000), 10)
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async (name: string, options) => {
      const { why } = await import('./why.ts')
      await using(async (backend) => why(io, await backend.admin(), name, at(backend, options)))
    })

  command(
    'logs <name>',
    'show what a replica wrote, or all replicas of a revision or an InferenceService',
    'pilotlight logs iris --tail 20\npilotlight logs iris-predictor-00002 -f',
  )
    .addOption(namespaceOption())
    .option('-f, --follow', 'go on with new lines', false)
    .option('--tail <count>', 'only the last so many lines', wholeNumber(0, 100_000))
    .action(async (name: string, options) => {
      const { logs } = await import('./logs.ts')
      await using((backend) => logs(io, backend.logs, name, at(backend, options)))
    })

  addInstallation(command, io, () => root.opts<ServerOptions>())

  command(
    'completion <shell>',
    'print a completion script for bash, zsh or fish',
    'source <(pilotlight completion bash)\npilotlight completion fish | source',
  ).action(async (shell: string) => {
    const { completionScript } = await import('./completion.ts')
    io.out(completionScript(shell))
  })
  root.command('__complete [words...]', { hidden: true }).action(async (words: string[]) => {
    const { complete } = await import('./completion.ts')
    const commands = new Map(
      root.commands
        .filter((each) => each.name() !== '__complete')
        .map((each) => [
          each.name(),
          [...each.options, ...root.options].map((option) => option.long ?? option.flags),
        ]),
    )
    const snapshot = async () => {
      await using backend = await openBackend(io, root.opts<ServerOptions>())
      const admin = await backend.admin()
      for await (const each of admin.snapshots(undefined, io.signal)) return each
      return undefined
    }
    // A shell that waits for a candidate must not see an error: no server, no names.
    io.out(
      (await complete(words, { commands, snapshot: () => snapshot().catch(() => undefined) }))
        .map((each) => `${each}\n`)
        .join(''),
    )
  })
  return root

  /** Against a cluster, its runtimes count beside the files. */
  async function withRuntimes(use: (load?: LoadRuntimes) => Promise<void>): Promise<void> {
    const options = root.opts<ServerOptions>()
    if (!isCluster(io, options)) return use()
    const { openCluster } = await import('./cluster/cluster.ts')
    await using cluster = await openCluster(io, options)
    await use(async (namespaces) => {
      const { clusterRuntimes } = await import('./cluster/runtimes.ts')
      return clusterRuntimes(cluster, namespaces)
    })
  }

  function addCanary(canary: Command): void {
    const act = (
      spec: string,
      description: string,
      percentOf: (text: string | undefined) => Promise<number | undefined>,
    ): void => {
      canary
        .command(spec)
        .description(description)
        .addHelpText(
          'after',
          `\nExamples:\n  pilotlight canary ${spec.replace('<name>', 'iris').replace('<percent>', '10')} -n ml`,
        )
        .addOption(namespaceOption())
        .option('--no-wait', 'do not wait until the traffic shows it')
        .option('--timeout <seconds>', 'how long to wait; 0 = for ever', wholeNumber(0, 86_400), 300)
        .action(async (name: string, ...rest: unknown[]) => {
          const { setCanary } = await import('./canary.ts')
          const percent = await percentOf(typeof rest[0] === 'string' ? rest[0] : undefined)
          const self = rest.at(-1)
          if (!(self instanceof Command)) return
          const options = self.opts<CanaryOptions>()
          await using((backend) => setCanary(io, backend, name, percent, at(backend, options)))
        })
    }
    act('set <name> <percent>', 'the latest revision gets this percent of the requests', async (text) => {
      const { readPercent } = await import('./canary.ts')
      return readPercent(text ?? '')
    })
    act('promote <name>', 'the latest revision gets everything', async () => undefined)
    act('rollback <name>', 'the latest revision gets nothing', async () => 0)
  }
}

/** The options with the namespace that holds: -n, else that of the backend. */
function at<Options extends { readonly namespace?: string }>(
  { namespace }: Backend,
  options: Options,
): Options & { readonly namespace: string } {
  return { ...options, namespace: options.namespace ?? namespace }
}
