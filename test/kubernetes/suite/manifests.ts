/** The small HTTP server that every test bed has, as container of a pod. */
export function server(overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    name: 'server',
    image: 'testbed/http-server:1',
    imagePullPolicy: 'Never',
    ports: [{ name: 'http', containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1 },
    ...overrides,
  }
}

/** A container that runs a script of sh(1). It gets signals because it waits only for commands that end soon. */
export function script(
  name: string,
  lines: string,
  overrides: Readonly<Record<string, unknown>> = {},
): object {
  return {
    name,
    image: 'testbed/http-server:1',
    imagePullPolicy: 'Never',
    command: ['/bin/sh', '-c', lines],
    ...overrides,
  }
}

export const FOR_EVER = 'while :; do sleep 0.1; done'

export function pod(name: string, spec: Readonly<Record<string, unknown>>): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { terminationGracePeriodSeconds: 2, ...spec },
  }
}

export function deployment(
  name: string,
  replicas: number,
  spec: Readonly<Record<string, unknown>> = { containers: [server()] },
): object {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  }
}
