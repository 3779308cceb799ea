import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CliError } from './errors.ts'

/** `pilotlight up` writes it into its state folder, so that commands in the same project find its admin API. */
export const ADMIN_FILE = 'admin.json'
const DEFAULT_STATE_DIR = '.pilotlight'
const DEFAULT_SERVER = 'http://127.0.0.1:9090'

/** The text of the address file. */
export function adminFileText(url: string): string {
  return `${JSON.stringify({ url })}\n`
}

/**
 * Where the admin API is: --server, $PILOTLIGHT_SERVER, the address file of the nearest folder upward, or the default.
 * @throws CliError (usage) when the address is no http(s) URL.
 */
export function serverAddress(from: {
  readonly server?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}): URL {
  const named = namedServer(from, from.env)
  if (named !== undefined) return readUrl(named.source, named.url)
  const file = nearestAdminFile(from.cwd)
  return file === undefined ? new URL(DEFAULT_SERVER) : readAdminFile(file)
}

/** The server that somebody named, as text. */
export function namedServer(
  { server }: { readonly server?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): { readonly source: string; readonly url: string } | undefined {
  if (server !== undefined) return { source: '--server', url: server }
  const fromEnv = env['PILOTLIGHT_SERVER']
  return fromEnv === undefined || fromEnv === '' ? undefined : { source: 'PILOTLIGHT_SERVER', url: fromEnv }
}

function nearestAdminFile(cwd: string): string | undefined {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const file = join(folder, DEFAULT_STATE_DIR, ADMIN_FILE)
    if (existsSync(file)) return file
    if (dirname(folder) === folder) return undefined
  }
}

function readAdminFile(file: string): URL {
  const text = readFileSync(file, 'utf8')
  // A file of one field is not worth loading a schema library at each command.
  const url = /"url":\s*"([^"]+)"/.exec(text)?.[1]
  if (url !== undefined) return readUrl(file, url)
  throw new CliError(
    'failed',
    `${file}: must be {"url": "http://..."}, as pilotlight up writes it; delete it`,
  )
}

function readUrl(source: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  throw new CliError('usage', `${source}: ${JSON.stringify(value)} is no URL such as ${DEFAULT_SERVER}`)
}
