import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  cpSync,
} from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { must, run } from '../../../interop/command.ts'
import { BuildContext, parseDockerfile, type Instruction, type Stage } from './dockerfile.ts'
import type { ImageSource } from './image.ts'

/** Where the images of Node have it. */
const NODE_PATH = '/usr/local/bin/node'
/** They say something of an image, but change nothing in it. */
const REMARKS = new Set(['ARG', 'EXPOSE', 'LABEL'])

interface Sources {
  /** The folder of the Dockerfile, where everything of package-lock.json is installed. */
  readonly context: string
  readonly ignore: BuildContext
  /** The roots of the stages before, by their names. */
  readonly stages: ReadonlyMap<string, string>
}

/**
 * Does what the Dockerfile of a Node program says without Docker and without a registry: the base image is this Node, and
 * what `npm ci` would fetch is what the checkout has installed. Gives the last stage as source of an image, whose root
 * lies in `scratch`.
 *
 * @throws Error for an instruction that only Docker can do.
 */
export async function buildDockerfile(
  name: string,
  dockerfile: string,
  scratch: string,
): Promise<ImageSource> {
  const context = dirname(dockerfile)
  const ignoreFile = join(context, '.dockerignore')
  const ignore = new BuildContext(existsSync(ignoreFile) ? readFileSync(ignoreFile, 'utf8') : '')
  const stages = new Map<string, string>()
  rmSync(scratch, { recursive: true, force: true })
  let last: StageBuild | undefined
  for (const [index, stage] of parseDockerfile(readFileSync(dockerfile, 'utf8')).entries()) {
    last = new StageBuild(join(scratch, String(index)), { context, ignore, stages })
    await last.run(stage)
    if (stage.name !== '') stages.set(stage.name, last.root)
  }
  if (last === undefined) throw new Error(`${dockerfile}: got no FROM; a Dockerfile has at least one`)
  const node = join(last.root, NODE_PATH)
  mkdirSync(dirname(node), { recursive: true })
  // A layer that it shares with other images; but a pod's volume at /tmp would hide what a checkout below it has.
  if (process.execPath.startsWith('/tmp/')) cpSync(process.execPath, node)
  else symlinkSync(process.execPath, node)
  return { name, ...last.image(), files: [process.execPath] }
}

class StageBuild {
  readonly root: string
  readonly #sources: Sources
  readonly #env: Record<string, string> = {}
  #workingDir = '/'
  #user = ''
  #entrypoint: readonly string[] = []
  #cmd: readonly string[] = []

  constructor(root: string, sources: Sources) {
    this.root = root
    this.#sources = sources
  }

  image(): Omit<ImageSource, 'name'> {
    return {
      folder: this.root,
      entrypoint: this.#entrypoint,
      cmd: this.#cmd,
      env: this.#env,
      workingDir: this.#workingDir,
      user: this.#user,
    }
  }

  async run({ instructions }: Stage): Promise<void> {
    mkdirSync(this.root, { recursive: true })
    for (const instruction of instructions) await this.#do(instruction)
  }

  async #do({ keyword, words }: Instruction): Promise<void> {
    if (REMARKS.has(keyword)) return
    else if (keyword === 'WORKDIR') this.#workingDir = resolve(this.#workingDir, words[0] ?? '')
    else if (keyword === 'USER') this.#user = words[0] ?? ''
    else if (keyword === 'ENTRYPOINT') this.#entrypoint = words
    else if (keyword === 'CMD') this.#cmd = words
    else if (keyword === 'ENV') for (const word of words) this.#setVariable(word)
    else if (keyword === 'COPY') await this.#copy(words)
    else if (keyword === 'RUN')
      for (const command of words.join(' ').split('&&')) await this.#npm(command.trim())
    else throw new Error(`${keyword} ${words.join(' ')}: cannot be done without Docker`)
  }

  #setVariable(word: string): void {
    const [, variable = '', value = ''] = /^([^=]+)=(.*)$/.exec(word) ?? []
    if (variable === '') throw new Error(`ENV ${word}: allowed is NAME=VALUE`)
    this.#env[variable] = value
  }

  /** A folder's content goes into the target; a file goes into a target that ends with `/`, and else becomes it. */
  async #copy(words: readonly string[]): Promise<void> {
    const from = words.find((word) => word.startsWith('--from='))?.replace('--from=', '')
    const paths = words.filter((word) => !word.startsWith('--'))
    const target = paths.at(-1) ?? ''
    const root = from === undefined ? this.#sources.context : this.#sources.stages.get(from)
    if (root === undefined) throw new Error(`COPY --from=${from}: there is no such stage`)
    for (const path of paths.slice(0, -1)) {
      if (from === undefined && !this.#sources.ignore.has(path)) {
        throw new Error(`COPY ${path}: .dockerignore leaves it out`)
      }
      const source = join(root, path)
      const isInto = statSync(source).isFile() && /(^|\/)\.?$/.test(target)
      const output = join(this.#path(target), isInto ? basename(path) : '')
      if (from === undefined) {
        mkdirSync(dirname(output), { recursive: true })
        const filter = (file: string): boolean => this.#sources.ignore.has(relative(root, file))
        cpSync(source, output, { recursive: true, filter })
      } else {
        await link(source, output)
      }
    }
  }

  async #npm(command: string): Promise<void> {
    const modules = join(this.#path('.'), 'node_modules')
    if (command.startsWith('npm ci ')) {
      mkdirSync(dirname(modules), { recursive: true })
      symlinkSync(join(this.#sources.context, 'node_modules'), modules)
    } else if (command.startsWith('npm prune --omit=dev ')) {
      unlinkSync(modules)
      await copyProductionModules(this.#sources.context, dirname(modules))
    } else if (command.startsWith('npm run ')) {
      const PATH = `${dirname(process.execPath)}:${process.env['PATH']}`
      const [file = '', ...args] = command.split(' ')
      await must(file, args, { cwd: dirname(modules), env: { PATH }, timeoutMs: 300_000 })
    } else {
      throw new Error(`RUN ${command}: cannot be done without Docker`)
    }
  }

  #path(path: string): string {
    return join(this.root, resolve(this.#workingDir, path))
  }
}

/** Files are linked where that is possible: they are only read, and 100 MB are many. */
async function link(source: string, target: string): Promise<void> {
  mkdirSync(dirname(target), { recursive: true })
  const from = ['-T', source, target]
  if ((await run('cp', ['-al', ...from])).code !== 0) await must('cp', ['-a', ...from])
}

const lockSchema = z.object({
  packages: z.record(z.string(), z.looseObject({ dev: z.boolean().optional() })),
})

/** Those of a checkout's packages that package-lock.json does not call `dev`, into the node_modules of another folder. */
async function copyProductionModules(checkout: string, folder: string): Promise<void> {
  const { packages } = lockSchema.parse(JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8')))
  const wanted = Object.entries(packages)
    // One below another's node_modules comes along with it.
    .filter(([path, { dev = false }]) => !dev && path.lastIndexOf('node_modules/') === 0)
    .map(([path]) => path)
    // One that is for another system is not installed.
    .filter((path) => existsSync(join(checkout, path)))
  const into = ['--parents', ...wanted, folder]
  const linked = await run('cp', ['-al', ...into], { cwd: checkout })
  if (linked.code !== 0) await must('cp', ['-a', ...into], { cwd: checkout })
}
