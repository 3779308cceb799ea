import type { Probe } from '../core/revision.ts'
import type { ContainerProbe } from './schema/kubernetes.ts'

type Fill = (text: string) => string

/** A container's probe with its placeholders filled in. */
export function probeOf(probe: ContainerProbe | undefined, fill: Fill): Probe | undefined {
  if (probe === undefined) return undefined
  const { httpGet, tcpSocket, exec, grpc } = probe
  return {
    ...(httpGet === undefined ? {} : { httpGet: httpGetOf(httpGet, fill) }),
    ...(tcpSocket === undefined
      ? {}
      : {
          tcpSocket: {
            ...(tcpSocket.port === undefined ? {} : { port: tcpSocket.port }),
            ...(tcpSocket.host === undefined ? {} : { host: tcpSocket.host }),
          },
        }),
    ...(exec?.command === undefined ? {} : { exec: { command: exec.command.map(fill) } }),
    ...(grpc === undefined
      ? {}
      : {
          grpc: {
            ...(grpc.port === undefined ? {} : { port: grpc.port }),
            ...(grpc.service === undefined ? {} : { service: grpc.service }),
          },
        }),
    ...timingOf(probe),
  }
}

function httpGetOf(
  { path = '/', port, host, scheme, httpHeaders }: NonNullable<ContainerProbe['httpGet']>,
  fill: Fill,
): NonNullable<Probe['httpGet']> {
  return {
    path: fill(path),
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
    ...(scheme === undefined ? {} : { scheme }),
    ...(httpHeaders === undefined
      ? {}
      : { httpHeaders: httpHeaders.map(({ name, value }) => ({ name, value: fill(value) })) }),
  }
}

function timingOf(probe: ContainerProbe): Omit<Probe, 'httpGet' | 'tcpSocket' | 'exec' | 'grpc'> {
  const {
    initialDelaySeconds,
    timeoutSeconds,
    periodSeconds,
    successThreshold,
    failureThreshold,
    terminationGracePeriodSeconds,
  } = probe
  return {
    ...(initialDelaySeconds === undefined ? {} : { initialDelaySeconds }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(periodSeconds === undefined ? {} : { periodSeconds }),
    ...(successThreshold === undefined ? {} : { successThreshold }),
    ...(failureThreshold === undefined ? {} : { failureThreshold }),
    ...(terminationGracePeriodSeconds === undefined ? {} : { terminationGracePeriodSeconds }),
  }
}
