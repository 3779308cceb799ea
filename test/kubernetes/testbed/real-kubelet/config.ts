import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { CLUSTER_DOMAIN, DNS_ADDRESS, podNetworkOf } from '../network.ts'
import type { Layout, NodeState } from '../state.ts'
import type { Runtime } from './runtime.ts'

export const PAUSE_IMAGE = 'docker.io/testbed/pause:1'

/** Where the real node keeps its things. */
export class NodeFolder {
  readonly #folder: string

  constructor(layout: Layout) {
    this.#folder = join(layout.stateDir, 'real')
  }

  file(name: string): string {
    return join(this.#folder, name)
  }

  get socket(): string {
    return this.file('containerd.sock')
  }

  get images(): string {
    return this.file('images')
  }
}

/** Writes what containerd, its CNI plugins and the kubelet read. */
export function writeConfig(
  folder: NodeFolder,
  options: { runtime: Runtime; node: NodeState; ca: string; cgroup: string; leaseSeconds: number },
): void {
  mkdirSync(folder.file('cni'), { recursive: true })
  writeFileSync(folder.file('containerd.toml'), containerdConfig(folder, options.runtime))
  writeFileSync(folder.file('cni/10-testbed.conflist'), JSON.stringify(cniConfig(options.node)))
  writeFileSync(folder.file('kubelet.yaml'), stringify(kubeletConfig(folder, options)))
}

function containerdConfig(folder: NodeFolder, { runc, plugins }: Runtime): string {
  return `version = 2
root = "${folder.file('containerd')}"
# Gone after a restart, as on a machine that has booted: the node has a /run of its own.
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing",
]
[grpc]
  address = "${folder.socket}"
[ttrpc]
  address = "${folder.socket}.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # Without it, where root lacks CAP_SYS_RESOURCE: "runc create failed: can't get final child's PID from pipe: EOF".
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        BinaryName = "${runc}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${plugins}"
    conf_dir = "${folder.file('cni')}"
`
}

function cniConfig(node: NodeState): object {
  const { bridge, prefix } = podNetworkOf(node)
  const ipam = {
    type: 'host-local',
    dataDir: '/run/cni',
    ranges: [[{ subnet: `${prefix}.0/24` }]],
  }
  return {
    cniVersion: '1.0.0',
    name: 'testbed',
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        isDefaultGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam,
      },
      { type: 'loopback' },
    ],
  }
}

function kubeletConfig(
  folder: NodeFolder,
  { node, ca, cgroup, leaseSeconds }: { node: NodeState; ca: string; cgroup: string; leaseSeconds: number },
): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cgroup,
    containerRuntimeEndpoint: `unix://${folder.socket}`,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: ca },
    },
    authorization: { mode: 'AlwaysAllow' },
    address: podNetworkOf(node).gateway,
    clusterDNS: [DNS_ADDRESS],
    clusterDomain: CLUSTER_DOMAIN,
    port: 10_250,
    healthzPort: 10_248,
    readOnlyPort: 0,
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    enforceNodeAllocatable: [],
    evictionHard: { 'imagefs.available': '1%', 'nodefs.available': '1%' },
    nodeLeaseDurationSeconds: leaseSeconds,
    nodeStatusUpdateFrequency: '5s',
    podLogsDir: folder.file('pod-logs'),
    volumePluginDir: folder.file('volume-plugins'),
  }
}
