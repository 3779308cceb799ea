import { chmodSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../core/manual-clock.ts'
import type { Replica } from '../core/replica.ts'
import { groupUsages } from './process-table.ts'
import { NvidiaSmi } from './nvidia-smi.ts'

const REVISION = 'ml/llm-predictor-00001'
const { signal } = new AbortController()

/** The group that this test runs in: processes of it are there for sure. */
async function ownGroup(): Promise<number> {
  for (const [group, { pids }] of await groupUsages(signal)) if (pids.includes(process.pid)) return group
  throw new Error('this process has no group')
}

function replica(suffix: string, pid: number): Replica {
  const name = `${REVISION}-${suffix}` as const
  return { name, revision: REVISION, phase: 'ready', sinceMs: 0, createdAtMs: 0, restarts: 0, pid }
}

describe('NvidiaSmi', () => {
  const clock = new ManualClock(5_000)

  it('gives each replica the GPUs on which its processes run', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'nvidia-smi-'))
    const command = join(folder.path, 'nvidia-smi')
    writeFileSync(
      command,
      `#!/bin/sh
case "$1" in
  --query-gpu=*) printf '0, GPU-a, 90, 40000, 80000\\n1, GPU-b, 10, 8000, 80000\\n' ;;
  *) printf 'GPU-a, ${process.pid}, 40000\\nGPU-b, 2, 8000\\n' ;;
esac
`,
    )
    chmodSync(command, 0o755)
    const smi = new NvidiaSmi({ clock, command })
    const found = await smi.gpus([replica('a', await ownGroup()), replica('b', 999_999_999)], signal)
    expect(found.get(`${REVISION}-a`)).toEqual({
      utilization: { value: 0.9, atMs: 5_000, from: 'nvidia-smi utilization.gpu' },
      memory: { value: 0.5, atMs: 5_000, from: 'nvidia-smi memory.used' },
    })
    expect(found.get(`${REVISION}-b`)?.utilization).toMatchObject({
      absent: 'not exported',
      detail: 'nvidia-smi shows none of its processes on a GPU',
    })
  })

  it('says that it is not installed, and looks again after a while', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'nvidia-smi-'))
    const command = join(folder.path, 'nvidia-smi')
    const smi = new NvidiaSmi({ clock, command })
    const one = [replica('a', process.pid)]
    const missing = { absent: 'no nvidia-smi', detail: `${command} is not installed` }
    expect((await smi.gpus(one, signal)).get(`${REVISION}-a`)).toEqual({
      utilization: missing,
      memory: missing,
    })
    writeFileSync(command, '#!/bin/sh\nexit 0\n')
    chmodSync(command, 0o755)
    await clock.advance(30_000)
    expect((await smi.gpus(one, signal)).get(`${REVISION}-a`)?.memory).toEqual(missing)
    await clock.advance(30_000)
    expect((await smi.gpus(one, signal)).get(`${REVISION}-a`)?.memory).toMatchObject({
      absent: 'not exported',
    })
  })

  it('passes on that it failed', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'nvidia-smi-'))
    const command = join(folder.path, 'nvidia-smi')
    writeFileSync(command, '#!/bin/sh\necho "driver mismatch" >&2\nexit 9\n')
    chmodSync(command, 0o755)
    await expect(new NvidiaSmi({ clock, command }).gpus([replica('a', 1)], signal)).rejects.toThrow(
      'driver mismatch',
    )
  })
})
