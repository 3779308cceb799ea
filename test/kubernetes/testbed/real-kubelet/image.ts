import { createHash } from 'node:crypto'
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  closeSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  readdirSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must, run } from '../../../interop/command.ts'

/** What an image is made of. */
export interface ImageSource {
  /** As a pod names it, such as `testbed/http-server:1`. */
  readonly name: string
  /** Its root. */
  readonly folder?: string
  /** Files and folders of this machine that come along at the same paths, with the libraries that programs among them load. */
  readonly files?: readonly string[]
  readonly entrypoint: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly workingDir?: string
}

const EMPTY_FOLDERS = ['dev', 'etc', 'proc', 'run', 'sys', 'tmp', 'var']
/** The same files give the same image. */
const REPRODUCIBLE = ['--owner=0', '--group=0', '--numeric-owner', '--mtime=@0', '--sort=name']

/** The whole name, as registries and containerd have it: `a/b:1` is `docker.io/a/b:1`. */
export function fullName(name: string): string {
  const [first = '', ...rest] = name.split('/')
  const isRegistry = rest.length > 0 && /[.:]|^localhost$/.test(first)
  const path = isRegistry ? name : `docker.io/${rest.length === 0 ? `library/${name}` : name}`
  return /:[^/]+$/.test(path) ? path : `${path}:latest`
}

/** Writes an OCI image of one layer as an archive that `ctr images import` and `docker load` read. */
export async function buildImage(source: ImageSource, output: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'pilotlight-image-'))
  try {
    const blobs = join(scratch, 'archive', 'blobs', 'sha256')
    mkdirSync(blobs, { recursive: true })
    const layer = await addFile(blobs, await makeLayer(source, scratch))
    const { env = {}, entrypoint, workingDir = '/' } = source
    const variables = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...env }
    const config = addJson(blobs, {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: {
        Entrypoint: entrypoint,
        Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
        WorkingDir: workingDir,
      },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
      history: [{ created_by: 'pilotlight testbed' }],
    })
    const manifest = addJson(blobs, {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer }],
    })
    const name = fullName(source.name)
    const index = {
      schemaVersion: 2,
      manifests: [
        {
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
          ...manifest,
          annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
        },
      ],
    }
    writeFileSync(join(scratch, 'archive', 'index.json'), JSON.stringify(index))
    writeFileSync(join(scratch, 'archive', 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    const archive = join(scratch, 'image.tar')
    await must('tar', [...REPRODUCIBLE, '-cf', archive, '-C', join(scratch, 'archive'), '.'])
    await must('mv', [archive, output])
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function makeLayer({ folder, files = [] }: ImageSource, scratch: string): Promise<string> {
  const root = join(scratch, 'root')
  for (const name of EMPTY_FOLDERS) mkdirSync(join(root, name), { recursive: true })
  writeFileSync(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/:/bin/sh\n')
  const layer = join(scratch, 'layer.tar')
  const append = (...args: readonly string[]): Promise<unknown> =>
    must('tar', [...REPRODUCIBLE, '-rf', layer, ...args], { timeoutMs: 300_000 })
  await append('--mode=a+rX', '-C', root, '.')
  if (folder !== undefined) await append('-C', realpathSync(folder), '.')
  const all = [...files, ...(await librariesOf(files))].map((file) => file.replace(/^\/+/, ''))
  // What a link means is what the image has under its name: /bin/sh is a program, whatever /bin is here.
  if (all.length > 0) await append('--dereference', '--hard-dereference', '-C', '/', ...new Set(all))
  return layer
}

/** The paths of the shared libraries of all programs among the files, as their loader finds them. */
async function librariesOf(files: readonly string[]): Promise<string[]> {
  const libraries = new Set<string>()
  for (const file of files.flatMap(programsUnder)) {
    // A static program has none, and ldd then fails.
    const { stdout } = await run('ldd', [file])
    for (const [, path] of stdout.matchAll(/(?:=> |^\t)(\/\S+) \(0x/gm)) libraries.add(path!)
  }
  return [...libraries]
}

function programsUnder(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new Error(`an image cannot be made: there is no ${path}`)
  if (stat.isDirectory()) {
    // Programs of packages are rare and known by their permission; all files of node_modules are too many to open.
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.isFile())
      .flatMap((entry) => programsUnder(join(path, entry.name)))
  }
  const isExecutable = stat.isFile() && (stat.mode & 0o111) !== 0
  return isExecutable && isElf(path) ? [path] : []
}

function isElf(path: string): boolean {
  const start = Buffer.alloc(4)
  const file = openSync(path, 'r')
  try {
    readSync(file, start)
    return start.toString('latin1') === '\x7FELF'
  } finally {
    closeSync(file)
  }
}

interface Blob {
  readonly digest: string
  readonly size: number
}

function addJson(blobs: string, value: object): Blob {
  const content = JSON.stringify(value)
  const hash = createHash('sha256').update(content).digest('hex')
  writeFileSync(join(blobs, hash), content)
  return { digest: `sha256:${hash}`, size: Buffer.byteLength(content) }
}

async function addFile(blobs: string, file: string): Promise<Blob> {
  const hasher = createHash('sha256')
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hasher.update(chunk)
  const hash = hasher.digest('hex')
  const { size } = statSync(file)
  renameSync(file, join(blobs, hash))
  return { digest: `sha256:${hash}`, size }
}
