import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'

export interface ManifestFile {
  readonly path: string
  readonly text: string
}

const MANIFEST = /\.(?:ya?ml|json)$/i

/** What `-f` names: a file, a folder (its .yaml, .yml and .json files, folders below included), or - for standard input. */
export async function readManifests(
  io: Pick<Io, 'readStdin'>,
  source: string,
): Promise<readonly ManifestFile[]> {
  if (source === '-') return [{ path: '-', text: await io.readStdin() }]
  const paths = await listFiles(source)
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(path, 'utf8') })))
}

async function listFiles(source: string): Promise<readonly string[]> {
  const found = await stat(source).catch((cause: unknown) => {
    throw new CliError(
      'failed',
      `--filename: ${JSON.stringify(source)} cannot be read: it must be a file, a folder or -`,
      {
        cause,
      },
    )
  })
  if (!found.isDirectory()) return [source]
  const names = await readdir(source, { recursive: true })
  const files = names.filter((name) => MANIFEST.test(name)).sort()
  if (files.length > 0) return files.map((name) => join(source, name))
  throw new CliError('failed', `--filename: ${JSON.stringify(source)} has no .yaml, .yml or .json file`)
}
