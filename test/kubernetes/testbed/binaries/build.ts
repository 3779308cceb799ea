import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lock } from '../../../interop/cache.ts'
import { build, must } from '../../../interop/command.ts'
import { goCommand } from '../../../interop/prerequisites.ts'

/**
 * Kubernetes and the tools around it, built from Go modules: no registry of images or binaries is needed. Once per
 * machine, under `PILOTLIGHT_CACHE` (`~/.cache/pilotlight`):
 *
 *     testbed/KEY/             hyper, etcd, helm, kwok, kubeconform, pause, and links to hyper by the names of its programs
 *     testbed/KEY.building/    while it is built, and after a failure, so that the next attempt goes on from there
 *     testbed/KEY.log          what the last build wrote
 *
 * KEY says all that the result depends on, so a folder that is there is complete and right.
 */
export const cacheFolder = join(
  process.env['PILOTLIGHT_CACHE'] ?? join(homedir(), '.cache', 'pilotlight'),
  'testbed',
)

const here = fileURLToPath(new URL('.', import.meta.url))
const SOURCES = ['go.mod', 'go.sum', 'hyper/main.go', 'pause/main.go']
const PROGRAMS_OF_HYPER = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubelet',
  'kubectl',
]
const PACKAGES = [
  './hyper',
  './pause',
  'helm.sh/helm/v4/cmd/helm',
  'sigs.k8s.io/kwok/cmd/kwok',
  'github.com/yannh/kubeconform/cmd/kubeconform',
]
const ETCD_PACKAGE = 'go.etcd.io/etcd/server/v3'

/** Without them the API server says that it is v0.0.0, which clients and charts do not accept. */
function versionFlags(): string {
  const version = kubernetesVersion()
  const [major, minor] = version.slice(1).split('.')
  const base = 'k8s.io/component-base/version'
  return [
    '-s -w',
    `-X ${base}.gitVersion=${version}`,
    `-X ${base}.gitMajor=${major}`,
    `-X ${base}.gitMinor=${minor}`,
    `-X ${base}.gitTreeState=clean`,
    `-X ${base}.gitCommit=${'0'.repeat(40)}`,
    `-X ${base}.buildDate=1970-01-01T00:00:00Z`,
    `-X k8s.io/client-go/pkg/version.gitVersion=${version}`,
  ].join(' ')
}

/** As go.mod pins it, such as `v1.37.2`. */
export function kubernetesVersion(): string {
  const pinned = /^\tk8s\.io\/kubernetes (v\d+\.\d+\.\d+)$/m.exec(read('go.mod'))?.[1]
  if (pinned === undefined) throw new Error(`${here}go.mod requires no k8s.io/kubernetes`)
  return pinned
}

function read(source: string): string {
  return readFileSync(join(here, source), 'utf8')
}

async function keyOf(go: string): Promise<string> {
  const { stdout } = await must(go, ['env', 'GOVERSION', 'GOOS', 'GOARCH'], { env: { GOTOOLCHAIN: 'local' } })
  const parts = [stdout, versionFlags(), ...PACKAGES, ETCD_PACKAGE, ...SOURCES.map(read)]
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16)
}

/** The folder with the binaries; builds them first if they are not there. Two builders at once build once. */
export async function provideBinaries(): Promise<string> {
  const go = await goCommand()
  const folder = join(cacheFolder, await keyOf(go))
  if (existsSync(folder)) return folder
  mkdirSync(cacheFolder, { recursive: true })
  await using _lock = await lock(`${folder}.lock`)
  if (existsSync(folder)) return folder
  const building = `${folder}.building`
  const log = `${folder}.log`
  console.error(
    `building Kubernetes ${kubernetesVersion()}, etcd, helm and kwok, once (7 to 15 minutes, 7 GB for the time) in ${building}`,
  )
  writeFileSync(log, '')
  mkdirSync(join(building, 'bin'), { recursive: true })
  await buildAll(go, building, log)
  renameSync(join(building, 'bin'), folder)
  rmSync(building, { recursive: true, force: true })
  return folder
}

/** With build caches of its own: a cold build takes 4.3 GB of them and 2 GB of modules, which nobody else needs. */
async function buildAll(go: string, building: string, log: string): Promise<void> {
  const output = join(building, 'bin')
  const env = {
    CGO_ENABLED: '0',
    GOTOOLCHAIN: 'local',
    GOWORK: 'off',
    GOFLAGS: '-mod=readonly -buildvcs=false -modcacherw',
    GOCACHE: join(building, 'go-build'),
    GOMODCACHE: join(building, 'go-mod'),
  }
  const options = { cwd: here, log, env }
  await build(
    go,
    ['build', '-trimpath', '-ldflags', versionFlags(), '-o', `${output}/`, ...PACKAGES],
    options,
  )
  const etcd = join(output, 'etcd')
  await build(go, ['build', '-trimpath', '-ldflags', '-s -w', '-o', etcd, ETCD_PACKAGE], options)
  for (const program of PROGRAMS_OF_HYPER) {
    const link = join(output, program)
    rmSync(link, { force: true })
    symlinkSync('hyper', link)
  }
}
