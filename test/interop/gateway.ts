import { join } from 'node:path'
import { makeCertificates } from '../support/certificates.ts'
import { up, type Running } from '../end-to-end/harness.ts'
import { freePort } from './peer.ts'

/** A gateway with two ports, one of them for TLS. */
export interface Gateway extends AsyncDisposable {
  readonly plainPort: number
  readonly tlsPort: number
  /** The authority of the gateway's certificate, which is for localhost, *.default.localhost and 127.0.0.1. */
  readonly caFile: string
  readonly running: Running
}

/**
 * `pilotlight up` with these services. `domainTemplate` says under which host each answers; the default is
 * `<name>.<namespace>.localhost`.
 */
export async function startGateway(
  services: readonly object[],
  { scratch, domainTemplate }: { scratch: string; domainTemplate?: string },
): Promise<Gateway> {
  const certificates = makeCertificates(join(scratch, 'certificates'))
  const server = certificates.issue('gateway', {
    names: 'DNS:localhost, DNS:*.default.localhost, IP:127.0.0.1',
  })
  const tlsPort = await freePort()
  const config = {
    gateway: { tls: { port: tlsPort, certFile: server.certFile, keyFile: server.keyFile } },
    ...(domainTemplate === undefined ? {} : { ingress: { domainTemplate } }),
    autoscaler: { 'allow-zero-initial-scale': 'true' },
  }
  const manifests = services.map((service) => JSON.stringify(service)).join('\n---\n')
  // JSON is YAML.
  const running = await up({ 'pilotlight.yaml': JSON.stringify(config), 'services.yaml': manifests })
  return {
    plainPort: Number(running.gateway.port),
    tlsPort,
    caFile: certificates.ca.certFile,
    running,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

/**
 * An InferenceService in the namespace `default` whose replica is this command. `{{.Port}}` in it is the replica's port;
 * with `speaks: 'h2c'` the gateway speaks HTTP/2 to it. It sleeps: the first
 * request wakes it and is held until it is ready, which is when `readyPath` answers 200, or when it listens.
 */
export function customService(
  name: string,
  {
    command,
    speaks = 'http1',
    readyPath,
  }: { command: readonly string[]; speaks?: 'http1' | 'h2c'; readyPath?: string },
): object {
  const container = {
    name: 'kserve-container',
    image: 'none',
    command,
    ports: [{ name: speaks, containerPort: 8080 }],
    ...(readyPath === undefined ? {} : { readinessProbe: { httpGet: { path: readyPath } } }),
  }
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name, namespace: 'default', annotations: { 'autoscaling.knative.dev/initial-scale': '0' } },
    spec: { predictor: { minReplicas: 0, maxReplicas: 1, containers: [container] } },
  }
}
