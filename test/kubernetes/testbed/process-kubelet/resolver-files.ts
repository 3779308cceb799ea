import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLUSTER_DOMAIN, DNS_ADDRESS } from '../network.ts'
import type { Mount } from './container-process.ts'
import type { PodContext } from './pod-context.ts'

/** The pod's own /etc/hosts and /etc/resolv.conf; with `dnsPolicy: Default` names are looked up as on this machine. */
export function resolverFiles({ folder, object, sandbox }: PodContext): Mount[] {
  const { metadata, spec } = object()
  const etc = join(folder, 'etc')
  mkdirSync(etc, { recursive: true })
  const aliases = (spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => [ip, ...hostnames].join('\t'))
  const hosts = ['127.0.0.1\tlocalhost', '::1\tlocalhost', `${sandbox.address}\t${metadata.name}`, ...aliases]
  writeFileSync(join(etc, 'hosts'), `${hosts.join('\n')}\n`)
  const files = ['hosts']
  if (spec.dnsPolicy !== 'Default') {
    const services = `svc.${CLUSTER_DOMAIN}`
    const search = `${metadata.namespace}.${services} ${services} ${CLUSTER_DOMAIN}`
    writeFileSync(join(etc, 'resolv.conf'), `nameserver ${DNS_ADDRESS}\nsearch ${search}\noptions ndots:5\n`)
    files.push('resolv.conf')
  }
  return files.map((name) => ({ source: join(etc, name), target: `/etc/${name}`, readOnly: false }))
}
