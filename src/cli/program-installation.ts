import type { Command } from 'commander'
import type { Cluster } from './cluster/cluster.ts'
import type { Io } from './io.ts'
import type { ServerOptions } from './open-backend.ts'
import { wholeNumber } from './program-options.ts'

/** `doctor`, `install` and `uninstall`: Pilotlight itself in a cluster. They always mean the cluster of the kubeconfig. */
export function addInstallation(
  command: (spec: string, description: string, examples: string) => Command,
  io: Io,
  serverOptions: () => ServerOptions,
): void {
  const using = async (use: (cluster: Cluster) => Promise<void>): Promise<void> => {
    const { openCluster } = await import('./cluster/cluster.ts')
    await using cluster = await openCluster(io, serverOptions())
    await use(cluster)
  }

  command(
    'doctor',
    'say what is missing in a cluster, each with its fix',
    'pilotlight doctor\npilotlight doctor --context production -o json',
  )
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (options: { output: string }) => {
      const { doctor } = await import('./doctor/doctor.ts')
      await using((cluster) => doctor(io, cluster, options))
    })

  command(
    'install',
    'put Pilotlight into a cluster, or update it there',
    'pilotlight install --dry-run\npilotlight install --set gateway.service.type=LoadBalancer --set ingress.ingressDomain=models.example.com',
  )
    .option('-n, --namespace <namespace>', 'where it runs', 'pilotlight')
    .option(
      '--set <key=value>',
      'a value of the chart; only those that need no helm; may be given again',
      (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
    )
    .option('--dry-run', 'say what would be done, checked by the API server', false)
    .option('--no-wait', 'do not wait until it is ready')
    .option('--timeout <seconds>', 'how long to wait; 0 = for ever', wholeNumber(0, 86_400), 300)
    .action(async (options) => {
      const { install } = await import('./install/install.ts')
      await using((cluster) => install(io, cluster, options))
    })

  command(
    'uninstall',
    'take Pilotlight out of a cluster; its CRDs and all InferenceServices stay',
    'pilotlight uninstall\npilotlight uninstall --crds --yes',
  )
    .option('-n, --namespace <namespace>', 'where it runs', 'pilotlight')
    .option('--crds', 'delete its CRDs as well, and with them every InferenceService', false)
    .option('--yes', 'with --crds: delete what is listed without --yes', false)
    .action(async (options) => {
      const { uninstall } = await import('./install/uninstall.ts')
      await using((cluster) => uninstall(io, cluster, options))
    })
}
