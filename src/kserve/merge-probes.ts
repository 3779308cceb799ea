import type { ContainerProbe } from './schema/kubernetes.ts'

/** Of two probes the second's fields over the first's. A probe asks in one way: the second's own takes the first's place. */
export function mergeProbes(
  base: ContainerProbe | undefined,
  over: ContainerProbe | undefined,
): ContainerProbe | undefined {
  if (base === undefined || over === undefined) return over ?? base
  const { httpGet, tcpSocket, exec, grpc, ...timing } = base
  const merged: ContainerProbe = { ...timing, ...over }
  if (over.httpGet !== undefined) return { ...merged, httpGet: { ...httpGet, ...over.httpGet } }
  if (over.tcpSocket !== undefined) return { ...merged, tcpSocket: { ...tcpSocket, ...over.tcpSocket } }
  if (over.grpc !== undefined) return { ...merged, grpc: { ...grpc, ...over.grpc } }
  if (over.exec !== undefined) return merged
  return {
    ...merged,
    ...(httpGet === undefined ? {} : { httpGet }),
    ...(tcpSocket === undefined ? {} : { tcpSocket }),
    ...(exec === undefined ? {} : { exec }),
    ...(grpc === undefined ? {} : { grpc }),
  }
}
