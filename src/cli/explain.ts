import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { readManifests, type ManifestFile } from './manifest-files.ts'
import { table } from './table.ts'

export type ExplainRow = Readonly<Record<string, string | readonly string[]>>

/** What src/control/explain.ts gives: a row a document. */
export type ExplainFiles = (
  files: readonly ManifestFile[],
  options: { readonly strict: boolean; readonly runtimes?: 'cluster' },
) => readonly ExplainRow[]

/** What a cluster has beside the files: the runtimes of these namespaces, as a file. */
export type LoadRuntimes = (namespaces: ReadonlySet<string>) => Promise<ManifestFile>

/** `pilotlight explain -f ...`: what Pilotlight makes of manifests, without applying them. */
export async function explain(
  io: Io,
  options: { readonly filename: readonly string[]; readonly strict: boolean; readonly output: string },
  loadExplainFiles: () => Promise<ExplainFiles>,
  loadRuntimes?: LoadRuntimes,
): Promise<void> {
  if (options.output !== 'table' && options.output !== 'json') {
    throw new CliError(
      'usage',
      `--output: ${JSON.stringify(options.output)} is not known; it is table or json`,
    )
  }
  const files = (await Promise.all(options.filename.map((source) => readManifests(io, source)))).flat()
  const explainFiles = await loadExplainFiles()
  // KServe's own answer is about the runtimes that it comes with. The files go first: what they say is what will be.
  const beside = options.strict ? undefined : await loadRuntimes?.(await namespacesIn(files))
  const rows = explainFiles(beside === undefined ? files : [...files, beside], {
    strict: options.strict,
    ...(beside === undefined ? {} : { runtimes: 'cluster' }),
  }).filter(({ file }) => file !== beside?.path)
  io.out(options.output === 'json' ? `${JSON.stringify(rows, null, 2)}\n` : explainText(rows))
  const rejected = rows.filter(isRejected).length
  if (rejected > 0) throw new CliError('failed', `${rejected} of ${rows.length} documents rejected`)
}

async function namespacesIn(files: readonly ManifestFile[]): Promise<ReadonlySet<string>> {
  const { readHeads } = await import('./manifest-heads.ts')
  return new Set(files.flatMap(readHeads).map(({ namespace = 'default' }) => namespace))
}

function isRejected(row: ExplainRow): boolean {
  return String(row['verdict'] ?? '').startsWith('reject')
}

/** A block a document: what it is, then each field that says something, in a column of its own. */
export function explainText(rows: readonly ExplainRow[]): string {
  const blocks = rows.map((row) => {
    const { file, doc, kind, name, verdict, ...rest } = row
    const head = `${text(kind)} ${text(name)} (${text(file)}#${text(doc)}): ${text(verdict)}\n`
    const fields = Object.entries(rest).filter(([, value]) => text(value) !== '')
    const cells = fields.map(([key, value]) => [`  ${key.replaceAll('_', ' ')}`, text(value)])
    return head + table(cells)
  })
  return blocks.join('\n')
}

function text(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : (value ?? []).join('; ')
}
