import { Resolver } from 'node:dns/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fetch } from 'undici'
import { Agent } from 'undici'
import type { Api } from './api.ts'
import { auditOptions } from './audit.ts'
import { API_PORT, CLUSTER_DOMAIN, DNS_ADDRESS, SERVICE_ADDRESS, SERVICE_RANGE } from './network.ts'
import { Pki } from './pki.ts'
import type { Layout, State } from './state.ts'

/** A program of the control plane or a node: how to start it and how to ask it whether it is ready. */
export interface Component {
  readonly name: string
  readonly argv: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Rejects or says false while it is not. `startedAtMs` is when it was started just now, or 0 if it ran already. */
  isReady(api: Api, startedAtMs: number): Promise<boolean>
}

const servicesProgram = fileURLToPath(new URL('services/main.ts', import.meta.url))
const ETCD = 'http://127.0.0.1:2379'
const ETCD_PEERS = 'http://127.0.0.1:2380'
/** The default of 20 requests a second takes 50 s for 500 pods. */
const FAST_CLIENT = ['--kube-api-qps=1000', '--kube-api-burst=2000']

/** The four programs of Kubernetes, and ours for Services, in the order in which they need each other. */
export function controlPlane(layout: Layout, { binaries, kubelet, nodeGraceSeconds }: State): Component[] {
  const pki = new Pki(layout.pki)
  const binary = (name: string): string => join(binaries, name)
  const admin = pki.file('admin.kubeconfig')
  const scheduler = pki.file('scheduler.kubeconfig')
  return [
    {
      name: 'etcd',
      argv: [
        binary('etcd'),
        '--name=testbed',
        `--data-dir=${join(layout.data, 'etcd')}`,
        `--listen-client-urls=${ETCD}`,
        `--advertise-client-urls=${ETCD}`,
        `--listen-peer-urls=${ETCD_PEERS}`,
        `--initial-advertise-peer-urls=${ETCD_PEERS}`,
        `--initial-cluster=testbed=${ETCD_PEERS}`,
        // A crash of the machine may lose what is thrown away anyway.
        '--unsafe-no-fsync',
        '--log-level=warn',
      ],
      isReady: async () => (await fetch(`${ETCD}/health`)).ok,
    },
    {
      name: 'kube-apiserver',
      argv: [
        binary('kube-apiserver'),
        `--etcd-servers=${ETCD}`,
        `--bind-address=${SERVICE_ADDRESS}`,
        `--secure-port=${API_PORT}`,
        `--advertise-address=${SERVICE_ADDRESS}`,
        `--tls-cert-file=${pki.file('apiserver.crt')}`,
        `--tls-private-key-file=${pki.file('apiserver.key')}`,
        `--client-ca-file=${pki.file('ca.crt')}`,
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${pki.file('service-accounts.pub')}`,
        `--service-account-signing-key-file=${pki.file('service-accounts.key')}`,
        `--service-cluster-ip-range=${SERVICE_RANGE}`,
        '--authorization-mode=Node,RBAC',
        '--enable-admission-plugins=NodeRestriction',
        '--allow-privileged=true',
        ...auditOptions(layout),
        ...(kubelet === 'real'
          ? [
              `--kubelet-client-certificate=${pki.file('admin.crt')}`,
              `--kubelet-client-key=${pki.file('admin.key')}`,
              '--kubelet-preferred-address-types=InternalIP',
            ]
          : []),
      ],
      isReady: async (api) => (await api.text('/readyz')) === 'ok',
    },
    {
      name: 'kube-controller-manager',
      argv: [
        binary('kube-controller-manager'),
        `--kubeconfig=${admin}`,
        `--authentication-kubeconfig=${admin}`,
        `--authorization-kubeconfig=${admin}`,
        '--bind-address=127.0.0.1',
        '--leader-elect=false',
        // With credentials of its own for each controller, the default ServiceAccount appears 6 s later.
        '--use-service-account-credentials=false',
        `--service-account-private-key-file=${pki.file('service-accounts.key')}`,
        `--root-ca-file=${pki.file('ca.crt')}`,
        `--cluster-signing-cert-file=${pki.file('ca.crt')}`,
        `--cluster-signing-key-file=${pki.file('ca.key')}`,
        `--node-monitor-grace-period=${nodeGraceSeconds}s`,
        ...FAST_CLIENT,
      ],
      isReady: () => isHealthy(10_257),
    },
    {
      name: 'kube-scheduler',
      argv: [
        binary('kube-scheduler'),
        `--kubeconfig=${scheduler}`,
        `--authentication-kubeconfig=${scheduler}`,
        `--authorization-kubeconfig=${scheduler}`,
        '--bind-address=127.0.0.1',
        '--leader-elect=false',
        ...FAST_CLIENT,
      ],
      isReady: () => isHealthy(10_259),
    },
    {
      name: 'services',
      argv: [process.execPath, servicesProgram, layout.stateDir],
      isReady: async () => {
        const resolver = new Resolver({ timeout: 1_000, tries: 1 })
        resolver.setServers([DNS_ADDRESS])
        return (await resolver.resolve4(`kubernetes.default.svc.${CLUSTER_DOMAIN}`))[0] === SERVICE_ADDRESS
      },
    },
  ]
}

/** Controllers and scheduler serve /healthz with a certificate that they have made for themselves. */
async function isHealthy(port: number): Promise<boolean> {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
  try {
    const answer = await fetch(`https://127.0.0.1:${port}/healthz`, { dispatcher })
    return (await answer.text()) === 'ok'
  } finally {
    await dispatcher.destroy()
  }
}
