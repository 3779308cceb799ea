import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../../../interop/command.ts'
import type { Image } from '../images.ts'
import type { Layout, State } from '../state.ts'
import { NodeFolder, PAUSE_IMAGE } from './config.ts'
import { buildDockerfile } from './dockerfile-build.ts'
import { buildImages, type ImageSource } from './image.ts'
import { provideRuntime, type Runtime } from './runtime.ts'

/** The kubelet sets these for the whole machine, so they are put back afterwards. */
const SYSCTLS = ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops']

/** What the real kubelet needs before it starts: the container runtime, the images, and a way back. */
export async function prepareRealKubelet(
  layout: Layout,
  { binaries }: State,
  images: Readonly<Record<string, Image>>,
): Promise<void> {
  await provideRuntime()
  const folder = new NodeFolder(layout)
  mkdirSync(folder.images, { recursive: true })
  const before = folder.file('sysctls.json')
  if (!existsSync(before)) {
    const values = SYSCTLS.map((name) => [name, readFileSync(`/proc/sys/${name}`, 'utf8').trim()])
    writeFileSync(before, JSON.stringify(Object.fromEntries(values)))
  }
  const pause = join(folder.images, archiveOf(PAUSE_IMAGE))
  if (!existsSync(pause)) {
    const program = join(binaries, 'pause')
    await buildImages([{ name: PAUSE_IMAGE, files: [program], entrypoint: [program] }], pause)
  }
  await makeArchive(layout, images)
}

/**
 * Makes real images of those that the process kubelet would run in place and that say of what. Gives their archive, which
 * the node loads when it starts; undefined when there are none.
 */
export async function makeArchive(
  layout: Layout,
  images: Readonly<Record<string, Image>>,
): Promise<string | undefined> {
  const folder = new NodeFolder(layout)
  const scratch = folder.file('dockerfiles')
  const sources: ImageSource[] = []
  for (const [name, { command, env, workingDir, user, files, dockerfile }] of Object.entries(images)) {
    if (dockerfile !== undefined) {
      sources.push(await buildDockerfile(name, dockerfile, join(scratch, String(sources.length))))
    } else if (files.length > 0) {
      sources.push({ name, files: files.map(onPath), entrypoint: command, env, workingDir, user })
    }
  }
  if (sources[0] === undefined) return undefined
  const archive = join(folder.images, archiveOf(sources[0].name))
  await buildImages(sources, archive)
  rmSync(scratch, { recursive: true, force: true })
  return archive
}

/** `redis-server` -> `/usr/bin/redis-server` */
function onPath(file: string): string {
  if (file.includes('/')) return file
  const folder = process.env['PATH']?.split(':').find((each) => existsSync(join(each, file)))
  if (folder === undefined) throw new Error(`an image cannot be made: ${file} is not on the PATH`)
  return join(folder, file)
}

/** Makes the images of an archive known to the containerd of a bed that is up. */
export async function loadImage(layout: Layout, archive: string): Promise<void> {
  await importImage(await provideRuntime(), new NodeFolder(layout), archive)
}

export async function importImage(runtime: Runtime, folder: NodeFolder, archive: string): Promise<void> {
  await must(
    runtime.ctr,
    ['--address', folder.socket, '--namespace', 'k8s.io', 'images', 'import', archive],
    {
      env: runtime.env,
      timeoutMs: 120_000,
    },
  )
}

/** Puts back what the kubelet has set. */
export function restoreMachine(layout: Layout): void {
  const before = new NodeFolder(layout).file('sysctls.json')
  if (!existsSync(before)) return
  const values: Readonly<Record<string, string>> = JSON.parse(readFileSync(before, 'utf8'))
  for (const [name, value] of Object.entries(values)) writeFileSync(`/proc/sys/${name}`, value)
}

function archiveOf(name: string): string {
  return `${name.replaceAll(/[^\w.-]/g, '_')}.tar`
}
