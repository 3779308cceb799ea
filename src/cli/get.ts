import type { Snapshot } from '../control/view.ts'
import { inNamespace, type AdminClient } from './client.ts'
import { tableOf } from './columns.ts'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { objectsOf, type KubeObject } from './objects.ts'
import { outputFormat, renderObjects } from './output.ts'
import { withProgress } from './progress.ts'
import { resourceType, type ResourceType } from './resource-types.ts'
import { table } from './table.ts'

export interface GetOptions {
  readonly namespace: string
  readonly allNamespaces: boolean
  readonly output: string
  readonly watch: boolean
}

/** `pilotlight get TYPE [NAME]` */
export async function get(
  io: Io,
  client: AdminClient,
  what: { readonly type: string; readonly name?: string | undefined },
  options: GetOptions,
): Promise<void> {
  const type = resourceType(what.type)
  const output = outputFormat(options.output)
  if (what.name !== undefined && options.allNamespaces) {
    throw new CliError('usage', '--all-namespaces: a name is looked for in one namespace; say which with -n')
  }
  // Who may see one namespace only asks for that one.
  const scope = options.allNamespaces ? undefined : options.namespace
  const asTable = output.format === 'table' || output.format === 'wide'
  const rows = tableOf(type, { wide: output.format === 'wide', namespaces: options.allNamespaces })
  const widths: number[] = []

  const wanted = (snapshot: Pick<Snapshot, 'services' | 'revisions' | 'replicas'>): readonly KubeObject[] =>
    objectsOf(type, snapshot).filter(
      ({ metadata }) =>
        (options.allNamespaces || metadata.namespace === options.namespace) &&
        (what.name === undefined || metadata.name === what.name),
    )
  const show = async (objects: readonly KubeObject[], header: boolean): Promise<void> => {
    if (!asTable) {
      io.out(await renderObjects(output, objects, what.name !== undefined))
      return
    }
    const nowMs = io.clock.now()
    const body = objects.map((object) => rows.row(object, nowMs))
    io.out(table(header ? [rows.header, ...body] : body, widths))
  }

  const first = wanted(await withProgress(io, () => 'waiting for the admin API', read(client, type, scope)))
  if (first.length === 0) {
    if (what.name !== undefined) {
      throw new CliError('failed', `${type} "${what.name}" not found in ${options.namespace} namespace.`)
    }
    if (asTable) {
      io.err(
        options.allNamespaces
          ? 'No resources found\n'
          : `No resources found in ${options.namespace} namespace.\n`,
      )
    } else await show(first, false)
  } else await show(first, true)
  if (options.watch) await watch(io, client, { scope, first, wanted, show })
}

async function read(
  client: AdminClient,
  type: ResourceType,
  scope: string | undefined,
): Promise<Pick<Snapshot, 'services' | 'revisions' | 'replicas'>> {
  const none = { services: [], revisions: [], replicas: [] }
  const items = await client.get<never[]>(inNamespace(`/api/v1/${type}`, scope))
  return { ...none, [type === 'inferenceservices' ? 'services' : type]: items }
}

/** Shows each object again whenever it changed, as kubectl get -w does; an object that is gone is not shown. */
async function watch(
  io: Io,
  client: AdminClient,
  the: {
    readonly scope: string | undefined
    readonly first: readonly KubeObject[]
    readonly wanted: (snapshot: Snapshot) => readonly KubeObject[]
    readonly show: (objects: readonly KubeObject[], header: boolean) => Promise<void>
  },
): Promise<void> {
  const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace}/${metadata.name}`
  const remember = (objects: readonly KubeObject[]): Map<string, string> =>
    new Map(objects.map((object) => [keyOf(object), JSON.stringify(object)]))
  let seen = remember(the.first)
  let header = the.first.length === 0
  for await (const snapshot of client.snapshots(the.scope, io.signal)) {
    const objects = the.wanted(snapshot)
    const changed = objects.filter((object) => seen.get(keyOf(object)) !== JSON.stringify(object))
    if (changed.length > 0) {
      await the.show(changed, header)
      header = false
    }
    seen = remember(objects)
  }
}
