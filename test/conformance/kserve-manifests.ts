import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { explainColumns, explainDocuments, type ExplainRow } from '../../src/kserve/index.ts'
import type { CaseResult } from './case-result.ts'
import { readCsv } from './csv.ts'
import { scalingFunctions } from './kserve-scaling.ts'

/**
 * KServe's own answers to manifests (`expected.csv`, a row per document) against `explain --strict`, in every
 * column that says something about behaviour.
 */
export async function runManifests(dir: string): Promise<CaseResult[]> {
  const expected = readCsv(await readFile(join(dir, 'expected.csv'), 'utf8'))
  const files = new Map<string, readonly ExplainRow[]>()
  const results: CaseResult[] = []
  for (const row of expected) {
    const { file = '', doc = '' } = row
    const rows = files.get(file) ?? (await explainFile(dir, file))
    files.set(file, rows)
    const got = rows.find(({ source }) => source === `${file}#${doc}`)
    const failure = got === undefined ? 'the document was not found' : difference(row, got)
    results.push({ name: `${file}#${doc} ${row['name'] ?? ''}`, ...(failure === '' ? {} : { failure }) })
  }
  return results
}

async function explainFile(dir: string, file: string): Promise<readonly ExplainRow[]> {
  const text = await readFile(join(dir, 'manifests', file), 'utf8')
  return explainDocuments([{ file, text }], { strict: true, ...scalingFunctions })
}

function difference(expected: Readonly<Record<string, string>>, got: ExplainRow): string {
  return explainColumns
    .filter((column) => oneLine(expected[column] ?? '') !== oneLine(got[column]))
    .map((column) => `${column}: expected "${expected[column] ?? ''}", got "${got[column]}"`)
    .join('\n')
}

/** Messages of several lines stand in one cell, however the file was written. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
