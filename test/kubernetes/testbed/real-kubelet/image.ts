import { createHash } from 'node:crypto'
import {
  createReadStream,
  mkdirSync,
  mkdtempDisposableSync,
  openSync,
  readSync,
  closeSync,
  realpathSync,
  renameSync,
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
  /** Its root. The libraries that programs in it load come along from this machine. */
  readonly folder?: string
  /** Files and folders of this machine that come along at the same paths, with the libraries that programs among them load. */
  readonly files?: readonly string[]
  readonly entrypoint: readonly string[]
  /** Its arguments where a pod gives none. */
  readonly cmd?: readonly string[]
  /** `UID:GID`; root by default. */
  readonly user?: string
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

/**
 * Writes OCI images as an archive that `ctr images import` and `docker load` read. A program with its libraries is a layer
 * of its own, so that images share it; everything else is the last layer.
 */
export async function buildImages(sources: readonly ImageSource[], output: string): Promise<void> {
  using scratch = mkdtempDisposableSync(join(tmpdir(), 'pilotlight-image-'))
  const archive = join(scratch.path, 'archive')
  const blobs = new Blobs(join(archive, 'blobs', 'sha256'))
  const layers = new Layers(scratch.path, blobs)
  const manifests: object[] = []
  for (const source of sources) manifests.push(addImage(source, await layers.of(source), blobs))
  writeFileSync(join(archive, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  writeFileSync(join(archive, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await must('tar', [...REPRODUCIBLE, '-cf', `${output}.new`, '-C', archive, '.'], { timeoutMs: 300_000 })
  renameSync(`${output}.new`, output)
}

/** The entry of the index for an image whose layers are there. */
function addImage(source: ImageSource, layers: readonly Blob[], blobs: Blobs): object {
  const { env = {}, entrypoint, cmd = [], user = '', workingDir = '/' } = source
  const variables = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...env }
  const config = blobs.addJson({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {
      Entrypoint: entrypoint,
      Cmd: cmd,
      User: user,
      Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
      WorkingDir: workingDir,
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(() => ({ created_by: 'pilotlight testbed' })),
  })
  const manifest = blobs.addJson({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: layers.map((layer) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer })),
  })
  const name = fullName(source.name)
  return {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    ...manifest,
    annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
  }
}

/** Makes the layers of images, those that several have only once. */
class Layers {
  readonly #scratch: string
  readonly #blobs: Blobs
  readonly #programs = new Map<string, Promise<Blob>>()

  constructor(scratch: string, blobs: Blobs) {
    this.#scratch = scratch
    this.#blobs = blobs
  }

  async of({ folder, files = [] }: ImageSource): Promise<Blob[]> {
    const programs = files.filter((file) => programsUnder(file).includes(file))
    const layers: Blob[] = []
    for (const file of programs) {
      const made = this.#programs.get(file) ?? this.#make({ files: [file] })
      this.#programs.set(file, made)
      layers.push(await made)
    }
    const others = files.filter((file) => !programs.includes(file))
    return [
      ...layers,
      await this.#make({ files: others, hasFolders: true, ...(folder === undefined ? {} : { folder }) }),
    ]
  }

  async #make(parts: LayerParts): Promise<Blob> {
    return this.#blobs.addFile(await writeLayer(parts, this.#scratch))
  }
}

interface LayerParts {
  readonly files: readonly string[]
  readonly folder?: string
  /** Whether the folders come along that every image has. */
  readonly hasFolders?: boolean
}

async function writeLayer(
  { files, folder, hasFolders = false }: LayerParts,
  scratch: string,
): Promise<string> {
  const layer = join(scratch, 'layer.tar')
  const append = (...args: readonly string[]): Promise<unknown> =>
    must('tar', [...REPRODUCIBLE, '-rf', layer, ...args], { timeoutMs: 300_000 })
  if (hasFolders) {
    const root = join(scratch, 'root')
    for (const name of EMPTY_FOLDERS) mkdirSync(join(root, name), { recursive: true })
    writeFileSync(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/:/bin/sh\n')
    await append('--mode=a+rX', '-C', root, '.')
  }
  if (folder !== undefined) await append('-C', realpathSync(folder), '.')
  const programs = folder === undefined ? files : [...files, folder]
  const all = [...files, ...(await librariesOf(programs))].map((file) => file.replace(/^\/+/, ''))
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

/** The contents of an archive, named after their hashes. */
class Blobs {
  readonly #folder: string

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true })
    this.#folder = folder
  }

  addJson(value: object): Blob {
    const content = JSON.stringify(value)
    const hash = createHash('sha256').update(content).digest('hex')
    writeFileSync(join(this.#folder, hash), content)
    return { digest: `sha256:${hash}`, size: Buffer.byteLength(content) }
  }

  /** Takes the file away from where it was. */
  async addFile(file: string): Promise<Blob> {
    const hasher = createHash('sha256')
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hasher.update(chunk)
    const hash = hasher.digest('hex')
    const { size } = statSync(file)
    renameSync(file, join(this.#folder, hash))
    return { digest: `sha256:${hash}`, size }
  }
}
