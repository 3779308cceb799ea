import { run } from '../../interop/command.ts'
import { missing } from '../../interop/prerequisites.ts'

/** What the test bed needs of the machine. A line for each thing that is missing, with how to get it; none when all is there. */
export async function missingPrerequisites(): Promise<string[]> {
  const lines: string[] = []
  if (process.platform !== 'linux') {
    lines.push(`Linux: this is ${process.platform}; the test bed is made of Linux namespaces`)
    return lines
  }
  if (process.getuid?.() !== 0) {
    lines.push(
      'root: namespaces are made as root, and this user is not; run it as root, or in a container with --privileged',
    )
  }
  lines.push(...(await missing(['go', 'openssl', 'flock'])))
  for (const [program, args, debianPackage] of [
    ['ip', ['-V'], 'iproute2'],
    ['nsenter', ['--version'], 'util-linux'],
    ['unshare', ['--version'], 'util-linux'],
    ['setpriv', ['--version'], 'util-linux'],
    ['mount', ['--version'], 'mount'],
  ] as const) {
    const ended = await run(program, args).catch(() => undefined)
    if (ended?.code !== 0) lines.push(`${program}: not found; apt-get install ${debianPackage}`)
  }
  return lines
}

/** Thrown before anything is started, so that the caller can leave the tests out. */
export class MissingPrerequisites extends Error {
  override readonly name = 'MissingPrerequisites'

  constructor(lines: readonly string[]) {
    super(`the Kubernetes test bed cannot run on this machine: ${lines.join('; ')}`)
  }
}

/** @throws MissingPrerequisites */
export async function requirePrerequisites(): Promise<void> {
  const lines = await missingPrerequisites()
  if (lines.length > 0) throw new MissingPrerequisites(lines)
}
