import { expect, it } from 'vitest'
import { podMetadataOf } from './pod-metadata.ts'

it('takes the component’s over the service’s over the runtime’s', () => {
  const metadata = podMetadataOf(
    { labels: { a: 'runtime', b: 'runtime', c: 'runtime' } },
    { labels: { b: 'service', c: 'service' } },
    { labels: { c: 'component' }, annotations: { d: 'component' } },
  )
  expect(metadata).toEqual({
    labels: { a: 'runtime', b: 'service', c: 'component' },
    annotations: { d: 'component' },
  })
})

it.each([
  'autoscaling.knative.dev/target',
  'serving.kserve.io/deploymentMode',
  'serving.knative.dev/rollout-duration',
  'networking.kserve.io/visibility',
  'networking.knative.dev/visibility',
  'pilotlight.dev/sticky',
  'kubectl.kubernetes.io/last-applied-configuration',
  'app.kubernetes.io/managed-by',
  'app.kubernetes.io/version',
  'helm.sh/chart',
  'argocd.argoproj.io/sync-wave',
  'modelFormat',
])('leaves %s behind: a change of it is no other revision', (key) => {
  expect(
    podMetadataOf(undefined, { annotations: { [key]: 'x' }, labels: { [key]: 'x' } }, {}),
  ).toBeUndefined()
})

it.each([
  'sidecar.istio.io/inject',
  'prometheus.io/scrape',
  'storage.kserve.io/readonly',
  'app.kubernetes.io/name',
])('carries %s', (key) => {
  expect(podMetadataOf(undefined, { annotations: { [key]: 'x' } }, {})).toEqual({
    annotations: { [key]: 'x' },
    labels: {},
  })
})
