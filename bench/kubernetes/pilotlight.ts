import { createWriteStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { stringify } from 'yaml'
import type { Testbed } from '../../test/kubernetes/testbed/index.ts'
import { freePort } from '../free-port.ts'
import { kubeconfigOf } from './cluster.ts'
import { Inspected } from './inspected.ts'

const PROGRAM = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const START_PATIENCE_MS = 60_000

export interface Role {
  readonly process: Inspected
  /** Where a gateway carries requests. */
  readonly port: number
}

/** `pilotlight controller` or `gateway` as a process, let in as its pod would be; resolves once it is ready. */
export async function startRole(
  bed: Testbed,
  component: 'controller' | 'gateway',
  options: {
    readonly namespace: string
    readonly pod: string
    readonly redis: string
    readonly shipped: string
  },
): Promise<Role> {
  const folder = join(bed.stateDir, 'bench')
  const kubeconfig = await kubeconfigOf(bed, options.namespace, `pilotlight-${component}`)
  const admin = await freePort()
  const port = await freePort()
  const config = {
    admin: { host: '127.0.0.1', port: admin },
    gateway: { host: '127.0.0.1', port },
    redis: { url: options.redis },
    ingress: { ingressDomain: 'example.com' },
    kubernetes: { shippedObjectsDir: options.shipped },
  }
  const file = join(folder, `${component}.yaml`)
  writeFileSync(file, stringify(config))
  const log = createWriteStream(join(bed.stateDir, 'logs', `pilotlight-${component}.log`), { flags: 'a' })
  const process_ = await Inspected.start(PROGRAM, [component, '--kubeconfig', kubeconfig, '--config', file], {
    env: { ...process.env, POD_NAME: options.pod, POD_NAMESPACE: options.namespace },
    onLine: (line) => log.write(`${line}\n`),
  })
  const untilMs = performance.now() + START_PATIENCE_MS
  for (;;) {
    const answer = await request(`http://127.0.0.1:${admin}/readyz`).catch(() => undefined)
    await answer?.body.dump()
    if (answer?.statusCode === 200) return { process: process_, port }
    if (process_.child.hasEnded || performance.now() > untilMs)
      throw new Error(`pilotlight ${component} is not ready; see ${log.path.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
