import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { readManifests, type ManifestFile } from './manifest-files.ts'
import { table } from './table.ts'

export type ExplainRow = Readonly<Record<string, string | readonly string[]>>

/** What src/control/explain.ts gives: a row a document. */
export type ExplainFiles = (
  files: readonly ManifestFile[],
  options: { readonly strict: boolean },
) => readonly ExplainRow[]

/** `pilotlight explain -f ...`: what Pilotlight makes of manifests, without applying them. */
export async function explain(
  io: Io,
  options: { readonly filename: readonly string[]; readonly strict: boolean; readonly output: string },
  loadExplainFiles: () => Promise<ExplainFiles>,
): Promise<void> {
  if (options.output !== 'table' && options.output !== 'json') {
    throw new CliError(
      'usage',
      `--output: ${JSON.stringify(options.output)} is not known; it is table or json`,
    )
  }
  const files = (await Promise.all(options.filename.map((source) => readManifests(io, source)))).flat()
  const explainFiles = await loadExplainFiles()
  const rows = explainFiles(files, { strict: options.strict })
  io.out(options.output === 'json' ? `${JSON.stringify(rows, null, 2)}\n` : explainText(rows))
  const rejected = rows.filter(isRejected).length
  if (rejected > 0) throw new CliError('failed', `${rejected} of ${rows.length} documents rejected`)
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
