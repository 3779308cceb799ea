import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { lock } from '../../../interop/cache.ts'
import { must, run } from '../../../interop/command.ts'
import { cacheFolder } from '../binaries/build.ts'

/** What runs containers under the real kubelet. */
export interface Runtime {
  readonly containerd: string
  readonly ctr: string
  readonly runc: string
  /** The folder with the CNI plugins `bridge`, `host-local` and `loopback`. */
  readonly plugins: string
  /** For starting them: where they find each other and their libraries. */
  readonly env: Readonly<Record<string, string>>
}

const PACKAGES = ['containerd', 'runc', 'containernetworking-plugins']

/**
 * Debian's packages (35 MB), unpacked beside the binaries of Kubernetes without installing them, so that nothing of the
 * machine changes.
 */
export async function provideRuntime(): Promise<Runtime> {
  const folder = join(cacheFolder, 'containerd')
  if (!existsSync(folder)) {
    mkdirSync(cacheFolder, { recursive: true })
    await using _lock = await lock(`${folder}.lock`)
    if (!existsSync(folder)) await download(folder)
  }
  const binaries = [join(folder, 'usr/bin'), join(folder, 'usr/sbin')]
  const libraries = readdirSync(join(folder, 'usr/lib')).map((name) => join(folder, 'usr/lib', name))
  return {
    containerd: join(folder, 'usr/bin/containerd'),
    ctr: join(folder, 'usr/bin/ctr'),
    runc: join(folder, 'usr/sbin/runc'),
    plugins: join(folder, 'usr/lib/cni'),
    env: {
      PATH: [...binaries, process.env['PATH']].join(':'),
      LD_LIBRARY_PATH: libraries.join(':'),
    },
  }
}

async function download(folder: string): Promise<void> {
  const unpacked = `${folder}.unpacking`
  const packages = join(unpacked, 'packages')
  rmSync(unpacked, { recursive: true, force: true })
  mkdirSync(packages, { recursive: true })
  const options = { cwd: packages, timeoutMs: 300_000 }
  const get = ['download', '-qq', '-o', 'APT::Sandbox::User=root', ...PACKAGES]
  if ((await run('apt-get', get, options)).code !== 0) {
    await must('apt-get', ['update', '-qq'], options)
    await must('apt-get', get, options)
  }
  for (const file of readdirSync(packages)) await must('dpkg', ['-x', join(packages, file), unpacked])
  rmSync(packages, { recursive: true })
  renameSync(unpacked, folder)
}
