import type { Applied, Changes, Removable } from './backend.ts'
import type { Io } from './io.ts'
import { readManifests, type ManifestFile } from './manifest-files.ts'
import { withProgress } from './progress.ts'
import { deletableKind } from './resource-types.ts'

/** `pilotlight apply -f FILE|-|DIR`: all files together, so that either all documents are taken or none. */
export async function apply(
  io: Io,
  changes: Changes,
  options: { readonly filename: readonly string[]; readonly namespace: string },
): Promise<void> {
  const files = (await Promise.all(options.filename.map((source) => readManifests(io, source)))).flat()
  const sent = changes.apply(await joined(files, options.namespace))
  const applied = await withProgress(io, () => `applying ${files.length} files`, sent)
  for (const object of applied) {
    const { kind, namespace, name, outcome, warnings } = object
    const where = namespace === '' ? name : `${namespace}/${name}`
    for (const warning of warnings) io.err(`Warning: ${kind} ${where}: ${warning}\n`)
    io.out(`${typeLabel(object)}/${name} ${outcome}\n`)
  }
}

/** `pilotlight delete TYPE NAME` */
export async function remove(
  io: Io,
  changes: Changes,
  what: { readonly type: string; readonly name: string; readonly namespace: string },
): Promise<void> {
  const { type, name, namespace } = what
  await removeOne(io, changes, { kind: deletableKind(type), name, namespace })
}

/** `pilotlight delete -f FILE|-|DIR`: every document of the files. */
export async function removeFiles(
  io: Io,
  changes: Changes,
  options: { readonly filename: readonly string[]; readonly namespace: string },
): Promise<void> {
  const files = (await Promise.all(options.filename.map((source) => readManifests(io, source)))).flat()
  const { readHeads } = await import('./manifest-heads.ts')
  for (const head of files.flatMap(readHeads)) {
    await removeOne(io, changes, { ...head, namespace: head.namespace ?? options.namespace })
  }
}

async function removeOne(io: Io, changes: Changes, what: Removable): Promise<void> {
  await withProgress(io, () => `deleting ${what.name}`, changes.remove(what))
  io.out(`${typeLabel(what)} "${what.name}" deleted\n`)
}

/** One stream of documents. -n stands for the namespace of documents that name none, as with kubectl. */
async function joined(files: readonly ManifestFile[], namespace: string): Promise<string> {
  if (namespace === 'default') return files.map(({ text }) => text.trimEnd()).join('\n---\n')
  const { withNamespace } = await import('./manifest-heads.ts')
  return files.map((file) => withNamespace(file, namespace).trimEnd()).join('\n---\n')
}

/** `inferenceservice.serving.kserve.io`, `deployment.apps`, `secret`: as kubectl names types. */
export function typeLabel({
  kind,
  apiVersion = 'serving.kserve.io/v1',
}: Pick<Applied, 'kind' | 'apiVersion'>): string {
  const [group, version] = apiVersion.split('/')
  return version === undefined ? kind.toLowerCase() : `${kind.toLowerCase()}.${group}`
}
