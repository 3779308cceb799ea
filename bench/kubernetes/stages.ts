import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { must } from '../../test/interop/command.ts'
import { goCommand } from '../../test/interop/prerequisites.ts'

const GO_MOD = fileURLToPath(new URL('../../test/kubernetes/testbed/binaries/go.mod', import.meta.url))
/** What a pretended node and pod do, as kwok's own module has it: ready at once. */
const FOLDERS = ['pod/fast', 'node/fast', 'node/heartbeat-with-lease']

/** Writes kwok's stages as one file into `folder`, of the version that the test bed builds; gives its path. */
export async function provideStages(folder: string): Promise<string> {
  const version = /^\s*sigs\.k8s\.io\/kwok (v\S+)/m.exec(readFileSync(GO_MOD, 'utf8'))?.[1]
  if (version === undefined) throw new Error(`${GO_MOD} requires no sigs.k8s.io/kwok`)
  const { stdout } = await must(
    await goCommand(),
    ['mod', 'download', '-json', `sigs.k8s.io/kwok@${version}`],
    {
      // Outside of any module: nothing of ours is looked at or changed.
      cwd: '/',
      timeoutMs: 120_000,
    },
  )
  const { Dir } = z.object({ Dir: z.string() }).parse(JSON.parse(stdout))
  const documents = FOLDERS.flatMap((of) => {
    const path = join(Dir, 'kustomize', 'stage', of)
    return readdirSync(path)
      .filter((name) => /^(?:pod|node)-.*\.yaml$/.test(name))
      .map((name) => readFileSync(join(path, name), 'utf8'))
  })
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'stages.yaml')
  writeFileSync(file, documents.join('\n---\n'))
  return file
}
