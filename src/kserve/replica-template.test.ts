import { expect, it } from 'vitest'
import { parseDocuments } from './documents.ts'
import { toDesired } from './desired.ts'

const runtime = `
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: probed}
spec:
  supportedModelFormats: [{name: sklearn, version: "1", autoSelect: true}]
  protocolVersions: [v1]
  containers:
    - name: kserve-container
      command: [serve]
      workingDir: .
      ports: [{name: web, containerPort: 8080, protocol: TCP, appProtocol: kubernetes.io/h2c}, {containerPort: 8081}]
      readinessProbe: {httpGet: {path: "/v1/models/{{.Name}}", port: 8080, httpHeaders: [{name: x, value: "{{.Namespace}}"}]}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris, namespace: ml}
spec: {predictor: {model: {modelFormat: {name: sklearn}}}}
`

it('fills the placeholders of a probe, reads a lone dot as text, and keeps what ports say', () => {
  const desired = toDesired(parseDocuments(runtime, { file: 'runtime.yaml' }), {
    metadata: () => ({ generation: 1, createdAtMs: 0 }),
    predictorHost: () => 'predictor',
  })
  expect(desired.problems).toEqual([])
  const replica = desired.services[0]?.components.predictor.template.replica
  expect(replica?.workingDir).toBe('.')
  expect(replica?.ports).toEqual([
    { name: 'web', containerPort: 8080, protocol: 'TCP', appProtocol: 'kubernetes.io/h2c' },
    { containerPort: 8081 },
  ])
  expect(replica?.readinessProbe?.httpGet).toEqual({
    path: '/v1/models/iris',
    port: 8080,
    httpHeaders: [{ name: 'x', value: 'ml' }],
  })
})
