import { accessSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node'
import { parse } from 'yaml'

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token'

export interface KubeConfigOptions {
  /** A kubeconfig file. Default: the files of `KUBECONFIG`, then the pod's own account, then `~/.kube/config`. */
  readonly kubeconfig?: string | undefined
  /** Default: the file's current context. */
  readonly context?: string | undefined
  /** Default: those of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/**
 * How to reach a cluster and who we are there.
 * @throws Error that says what was looked for, when there is none or it cannot be used.
 */
export async function loadKubeConfig(options: KubeConfigOptions = {}): Promise<KubeConfig> {
  const { kubeconfig, context, env = process.env } = options
  // Loaded here and not at the top: it brings the models of all kinds, 80 MB and 0.3 s that `pilotlight up` does not need.
  const { KubeConfig } = await import('@kubernetes/client-node')
  const fromFiles = (files: readonly string[]): KubeConfig => {
    const merged = new KubeConfig()
    for (const [nth, file] of files.entries()) {
      const one = nth === 0 ? merged : new KubeConfig()
      readInto(one, file)
      if (nth > 0) mergeInto(merged, one)
    }
    return merged
  }

  const listed = env['KUBECONFIG']?.split(delimiter).filter((file) => file !== '') ?? []
  const usual = join(env['HOME'] ?? homedir(), '.kube', 'config')
  let config: KubeConfig
  let source: string
  if (kubeconfig !== undefined) {
    config = fromFiles([kubeconfig])
    source = kubeconfig
  } else if (listed.length > 0) {
    // As kubectl does: files of the list that do not exist are passed over.
    const present = listed.filter((file) => exists(file))
    if (present.length === 0) throw new Error(`KUBECONFIG=${env['KUBECONFIG']}: no such file`)
    config = fromFiles(present)
    source = `KUBECONFIG=${env['KUBECONFIG']}`
  } else if (context === undefined && isInCluster(env)) {
    config = new KubeConfig()
    config.loadFromCluster()
    source = 'the service account of this pod'
  } else if (exists(usual)) {
    config = fromFiles([usual])
    source = usual
  } else {
    throw new Error(
      `no Kubernetes cluster is configured: give --kubeconfig FILE, set KUBECONFIG, or run in a pod with a service account ` +
        `(looked for ${usual} and ${SERVICE_ACCOUNT_TOKEN})`,
    )
  }
  if (context !== undefined) useContext(config, context, source)
  check(config, source)
  return config
}

function useContext(config: KubeConfig, context: string, source: string): void {
  const names = config.getContexts().map(({ name }) => name)
  if (!names.includes(context)) {
    throw new Error(
      `context ${JSON.stringify(context)} is not in ${source}; it has ${names.join(', ') || 'none'}`,
    )
  }
  config.setCurrentContext(context)
}

function check(config: KubeConfig, source: string): void {
  const cluster = config.getCurrentCluster()
  if (cluster === null) {
    throw new Error(
      `${source}: the current context ${JSON.stringify(config.getCurrentContext() ?? '')} names no cluster; ` +
        `it has the contexts ${
          config
            .getContexts()
            .map(({ name }) => name)
            .join(', ') || '(none)'
        }`,
    )
  }
  if (!URL.canParse(cluster.server) || !/^https?:/.test(cluster.server)) {
    throw new Error(
      `${source}: clusters[${cluster.name}].server is ${JSON.stringify(cluster.server)}; expected an http or https URL`,
    )
  }
}

function readInto(config: KubeConfig, file: string): void {
  try {
    config.loadFromFile(file)
    followTokenFiles(config, file)
  } catch (error) {
    throw new Error(
      `kubeconfig ${file} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}

/**
 * A user's `tokenFile` is read again every minute: tokens of service accounts rotate. The library knows the way for the
 * pod's own account, but does not see the key in a file.
 */
function followTokenFiles(config: KubeConfig, file: string): void {
  const parsed: {
    users?: readonly { name?: string; user?: { tokenFile?: unknown; token?: unknown } }[]
  } | null = parse(readFileSync(file, 'utf8'))
  for (const { name, user } of parsed?.users ?? []) {
    const tokenFile = user?.tokenFile
    if (typeof tokenFile !== 'string' || tokenFile === '' || user?.token !== undefined) continue
    const provider = { tokenFile: resolve(dirname(file), tokenFile) }
    config.users = config.users.map((one) =>
      one.name === name ? { ...one, authProvider: { name: 'tokenFile', config: provider } } : one,
    )
  }
}

/** The first file that names something wins, as kubectl merges. */
function mergeInto(config: KubeConfig, more: KubeConfig): void {
  const missing = <T extends { readonly name: string }>(have: readonly T[], add: readonly T[]): T[] => [
    ...have,
    ...add.filter(({ name }) => !have.some((one) => one.name === name)),
  ]
  config.clusters = missing(config.clusters, more.clusters)
  config.users = missing(config.users, more.users)
  config.contexts = missing(config.contexts, more.contexts)
  config.currentContext ??= more.currentContext
}

function isInCluster(env: Readonly<Record<string, string | undefined>>): boolean {
  return (env['KUBERNETES_SERVICE_HOST'] ?? '') !== '' && exists(SERVICE_ACCOUNT_TOKEN)
}

function exists(file: string): boolean {
  try {
    accessSync(file)
    return true
  } catch {
    return false
  }
}
