import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { must } from '../../interop/command.ts'
import { testbed } from './cluster.ts'

export const chartFolder = fileURLToPath(new URL('../../../charts/pilotlight', import.meta.url))
export const RELEASE = 'pilotlight'

/** A program of the test bed, or of the machine where the cluster is somebody else's. */
export function program(name: string): string {
  return testbed === undefined ? name : join(testbed.binaries, name)
}

/**
 * Installs the chart with its defaults, or brings the release that is there in line, and does not wait for its pods: for
 * tests of what the API server does with it. See `Installation` for those of what the pods do.
 */
export async function helmInstall(): Promise<void> {
  const redis = process.env['PILOTLIGHT_TEST_REDIS']
  await must(
    program('helm'),
    [
      'upgrade',
      '--install',
      RELEASE,
      chartFolder,
      '--namespace',
      RELEASE,
      '--create-namespace',
      // As every other test installs it: pods begin anew when it changes.
      ...(redis === undefined ? [] : ['--set', `redis.url=${redis}`]),
    ],
    { timeoutMs: 170_000 },
  )
}
