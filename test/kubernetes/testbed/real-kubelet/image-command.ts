import { Command, InvalidArgumentError } from 'commander'
import { layoutOf } from '../state.ts'
import { buildImages } from './image.ts'
import { loadImage } from './machine.ts'

interface BuildOptions {
  readonly from?: string
  readonly files?: readonly string[]
  readonly entrypoint: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly workingDir?: string
  readonly output: string
}

function addVariable(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError(`got ${text}; allowed: NAME=VALUE`)
  }
  return { ...before, [name]: value }
}

/** `images build` and `images load`: images for the real kubelet, made of files of this machine. */
export function imageCommand(): Command {
  const images = new Command('images').description('images for the real kubelet, made without Docker')
  images
    .command('build <name>')
    .description('writes an OCI image as an archive')
    .option('--from <folder>', 'what its root holds')
    .option(
      '--files <path...>',
      'files and folders that it has at the same paths, with the libraries of programs',
    )
    .requiredOption('--entrypoint <word...>', 'what it runs')
    .option('--env <name=value...>', 'its variables', addVariable)
    .option('--working-dir <folder>', 'where it runs (default: /)')
    .requiredOption('--output <file>', 'the archive')
    .action(async (name: string, { from, files, entrypoint, env, workingDir, output }: BuildOptions) => {
      const image = {
        name,
        entrypoint,
        ...(from === undefined ? {} : { folder: from }),
        ...(files === undefined ? {} : { files }),
        ...(env === undefined ? {} : { env }),
        ...(workingDir === undefined ? {} : { workingDir }),
      }
      await buildImages([image], output)
    })
  images
    .command('load <archive...>')
    .description('makes them known to a test bed that is up with the real kubelet')
    .option('--state-dir <folder>', 'where the bed keeps its state')
    .action(async (archives: readonly string[], options: { readonly stateDir?: string }) => {
      for (const archive of archives) await loadImage(layoutOf(options.stateDir), archive)
    })
  return images
}
