import type { DesiredService } from '../src/core/desired.ts'
import type { Replica } from '../src/core/replica.ts'
import type { ScalingSpec } from '../src/core/revision.ts'
import { parseDocuments, toDesired } from '../src/kserve/index.ts'

/** Services and replicas that are made here, for benchmarks of the control plane without any cluster. */

export const START_MS = 1_700_000_000_000

export const urls = {
  domainTemplate: '{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}',
  pathTemplate: '',
  ingressDomain: 'example.com',
  urlScheme: 'http',
} as const

const MANIFEST = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: NAME, namespace: bench}
spec: {predictor: {minReplicas: 2, model: {modelFormat: {name: sklearn}, storageUri: "gs://bucket/iris"}}}
`

export function pretendedServices(count: number): readonly DesiredService[] {
  const { services } = toDesired(
    parseDocuments(MANIFEST.replace('NAME', 'the-service'), { file: 'iris.yaml' }),
    {
      runtimes: 'catalogue',
      metadata: () => ({ generation: 1, createdAtMs: START_MS }),
      predictorHost: (namespace, component) => `${component}.${namespace}`,
    },
  )
  const text = JSON.stringify(services[0])
  return Array.from({ length: count }, (_, index): DesiredService =>
    JSON.parse(text.replaceAll('the-service', `service-${index}`)),
  )
}

/** The service, with a predictor that scales otherwise. */
export function scaledBy(service: DesiredService, scaling: ScalingSpec): DesiredService {
  const { predictor } = service.components
  const template = { ...predictor.template, scaling }
  return { ...service, components: { ...service.components, predictor: { ...predictor, template } } }
}

/** Two ready ones. */
export function pretendedReplicas(service: DesiredService, nowMs: number): readonly Replica[] {
  const revision = `bench/${service.name}-predictor-00001` as const
  return ['a', 'b'].map((suffix) => ({
    name: `${revision}-${suffix}` as const,
    revision,
    phase: 'ready',
    sinceMs: nowMs,
    createdAtMs: nowMs,
    address: { host: '127.0.0.1', port: 8080 },
    restarts: 0,
  }))
}
