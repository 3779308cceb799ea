import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { messageOf } from './replica-failure.ts'

/**
 * Fetches a URL into the folder `dir`, whole or not at all. `.tar`, `.tar.gz` and `.tgz` are unpacked; any other
 * file is put into the folder under its own name.
 * @throws Error saying what went wrong with which URL; the signal's reason when it is aborted.
 */
export async function download(url: string, dir: string, signal: AbortSignal): Promise<void> {
  const name = basename(decodeURIComponent(new URL(url).pathname)) || 'model'
  if (/\.zip$/i.test(name)) throw new Error(`${url} is a zip archive; use .tar, .tar.gz or .tgz`)
  await mkdir(dirname(dir), { recursive: true })
  // Beside its place, so that moving it there is one rename.
  const draft = await mkdtemp(`${dir}.`)
  try {
    const file = join(draft, name)
    await fetchTo(url, file, signal)
    if (/\.(?:tar|tar\.gz|tgz)$/i.test(name)) {
      await unpack(file, draft, signal)
      await rm(file)
    }
    await rename(draft, dir)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    signal.throwIfAborted()
    throw error
  }
}

async function fetchTo(url: string, file: string, signal: AbortSignal): Promise<void> {
  let answer: Response
  try {
    answer = await fetch(url, { signal })
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    throw new Error(`GET ${url}: ${messageOf(cause)}`, { cause: error })
  }
  if (!answer.ok || answer.body === null) throw new Error(`GET ${url}: status ${answer.status}`)
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(file), { signal })
}

function unpack(archive: string, into: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    // GNU and BSD tar alike recognise the compression, and refuse paths that lead out of the folder.
    execFile(
      'tar',
      ['-xf', archive, '-C', into],
      { signal, killSignal: 'SIGKILL' },
      (error, _stdout, stderr) => {
        if (error === null) resolve()
        else reject(new Error(`unpacking ${basename(archive)}: ${stderr.trim() || error.message}`))
      },
    )
  })
}
