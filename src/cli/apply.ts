import type { AppliedObject } from '../control/view.ts'
import type { AdminClient } from './client.ts'
import type { Io } from './io.ts'
import { readManifests, type ManifestFile } from './manifest-files.ts'
import { withProgress } from './progress.ts'
import { deletableKind, type DeletableKind } from './resource-types.ts'

/** `pilotlight apply -f FILE|-|DIR`: all files together, so that either all documents are taken or none. */
export async function apply(
  io: Io,
  client: AdminClient,
  options: { readonly filename: readonly string[]; readonly namespace: string },
): Promise<void> {
  const files = (await Promise.all(options.filename.map((source) => readManifests(io, source)))).flat()
  const body = { type: 'application/yaml', text: await joined(files, options.namespace) }
  const sent = client.change<readonly AppliedObject[]>('/api/v1/apply', { method: 'POST', body })
  const applied = (await withProgress(io, () => `applying ${files.length} files`, sent)) ?? []
  for (const { kind, namespace, name, outcome, warnings } of applied) {
    for (const warning of warnings) io.err(`Warning: ${kind} ${namespace}/${name}: ${warning}\n`)
    io.out(`${label(kind, name)} ${outcome}\n`)
  }
}

/** `pilotlight delete TYPE NAME` */
export async function remove(
  io: Io,
  client: AdminClient,
  what: { readonly type: string; readonly name: string; readonly namespace: string },
): Promise<void> {
  const kind = deletableKind(what.type)
  const sent = client.change(pathOf(kind, what), { method: 'DELETE' })
  await withProgress(io, () => `deleting ${what.name}`, sent)
  io.out(`${label(kind, what.name).replace('/', ' "')}" deleted\n`)
}

/** `pilotlight delete -f FILE|-|DIR`: every document of the files. */
export async function removeFiles(
  io: Io,
  client: AdminClient,
  options: { readonly filename: readonly string[]; readonly namespace: string },
): Promise<void> {
  const files = (await Promise.all(options.filename.map((source) => readManifests(io, source)))).flat()
  const { readHeads } = await import('./manifest-heads.ts')
  for (const head of files.flatMap(readHeads)) {
    await remove(io, client, {
      type: head.kind,
      name: head.name,
      namespace: head.namespace ?? options.namespace,
    })
  }
}

/** One stream of documents. -n stands for the namespace of documents that name none, as with kubectl. */
async function joined(files: readonly ManifestFile[], namespace: string): Promise<string> {
  if (namespace === 'default') return files.map(({ text }) => text.trimEnd()).join('\n---\n')
  const { withNamespace } = await import('./manifest-heads.ts')
  return files.map((file) => withNamespace(file, namespace).trimEnd()).join('\n---\n')
}

function pathOf(kind: DeletableKind, { namespace, name }: { namespace: string; name: string }): string {
  const [ns, id] = [encodeURIComponent(namespace), encodeURIComponent(name)]
  if (kind === 'ClusterServingRuntime') return `/api/v1/clusterservingruntimes/${id}`
  return `/api/v1/namespaces/${ns}/${kind.toLowerCase()}s/${id}`
}

/** `inferenceservice.serving.kserve.io/iris`, as kubectl names it. */
function label(kind: string, name: string): string {
  return `${kind.toLowerCase()}.serving.kserve.io/${name}`
}
