import { expect, it } from 'vitest'
import { keptOfApplied, keptOfDeployment, keptOfPod } from './kept-fields.ts'

const metadata = { name: 'iris', namespace: 'ml', uid: 'u', labels: { a: 'b' }, annotations: { c: 'd' } }
const managed = { ...metadata, managedFields: [{ manager: 'kubelet' }] }

it('keeps of a pod what says where it is, what runs in it and how to ask it', () => {
  const container = { name: 'kserve-container', image: 'x', ports: [{ containerPort: 8080 }] }
  const status = { phase: 'Running', podIP: '10.0.0.1', conditions: [], containerStatuses: [] }
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: managed,
    spec: {
      nodeName: 'a',
      volumes: [{ name: 'v' }],
      containers: [{ ...container, env: [{ name: 'A', value: 'b' }], command: ['serve'] }],
      initContainers: [{ name: 'proxy', restartPolicy: 'Always', env: [] }],
    },
    status: { ...status, podIPs: [{ ip: '10.0.0.1' }], qosClass: 'Burstable' },
  }
  expect(keptOfPod(pod)).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: {
      nodeName: 'a',
      containers: [container],
      initContainers: [{ name: 'proxy', restartPolicy: 'Always' }],
    },
    status,
  })
})

it('keeps of a Deployment its number and status, and of what was applied only the metadata', () => {
  const spec = { replicas: 2, template: { spec: {} } }
  const object = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: managed,
    spec,
    status: { replicas: 1 },
  }
  const kept = { apiVersion: 'apps/v1', kind: 'Deployment', metadata }
  expect(keptOfDeployment(object)).toEqual({ ...kept, spec: { replicas: 2 }, status: { replicas: 1 } })
  expect(keptOfApplied(object)).toEqual(kept)
})
