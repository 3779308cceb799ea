import { describe, expect, it } from 'vitest'
import { at, containerIn, deploymentFrom, podOf } from '../../../test/support/kube-objects.ts'

const iris = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: flowers, namespace: garden}
spec:
  predictor:
    model:
      modelFormat: {name: sklearn}
      storageUri: gs://models/flowers
      resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {cpu: "2"}}
`

describe('the Deployment of a scikit-learn service', () => {
  const deployment = deploymentFrom(iris)

  it('is its revision, and goes with the InferenceService', () => {
    expect(deployment).toMatchObject({ apiVersion: 'apps/v1', kind: 'Deployment' })
    expect(deployment.metadata).toMatchObject({
      name: 'flowers-predictor-00001',
      namespace: 'garden',
      ownerReferences: [
        {
          apiVersion: 'serving.kserve.io/v1beta1',
          kind: 'InferenceService',
          name: 'flowers',
          uid: 'uid-1',
          controller: true,
        },
      ],
    })
    expect(deployment.metadata.annotations).toHaveProperty(['pilotlight.dev/applied'])
  })

  it('carries the labels that its pods are found by, ours and those of KServe', () => {
    const labels = {
      'pilotlight.dev/revision': 'flowers-predictor-00001',
      'pilotlight.dev/inferenceservice': 'flowers',
      'pilotlight.dev/component': 'predictor',
      'app.kubernetes.io/managed-by': 'pilotlight',
      'serving.kserve.io/inferenceservice': 'flowers',
      component: 'predictor',
      app: 'isvc.flowers-predictor',
    }
    expect(deployment.metadata.labels).toEqual(labels)
    expect(at(deployment, 'spec', 'template', 'metadata', 'labels')).toEqual(labels)
    expect(at(deployment, 'spec', 'selector')).toEqual({
      matchLabels: { 'pilotlight.dev/revision': 'flowers-predictor-00001' },
    })
  })

  it('never takes a pod away before another is ready, and keeps no history', () => {
    expect(at(deployment, 'spec')).toMatchObject({
      revisionHistoryLimit: 0,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    })
  })

  it('runs the server that KServe chooses, as KServe starts it', () => {
    expect(containerIn(deployment)).toEqual({
      name: 'kserve-container',
      image: 'kserve/sklearnserver',
      args: ['--model_name=flowers', '--model_dir=/mnt/models', '--http_port=8080'],
      env: [
        { name: 'INFERENCE_SERVICE_NAME', value: 'flowers' },
        { name: 'PORT', value: '8080' },
      ],
      ports: [{ containerPort: 8080, protocol: 'TCP' }],
      resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: '2', memory: '2Gi' } },
      readinessProbe: {
        tcpSocket: { port: 8080 },
        periodSeconds: 1,
        timeoutSeconds: 1,
        successThreshold: 1,
        failureThreshold: 3,
      },
      volumeMounts: [{ name: 'kserve-provision-location', mountPath: '/mnt/models', readOnly: true }],
    })
  })

  it('says how many replicas only where it is told, and that is no part of its hash', () => {
    expect(at(deployment, 'spec')).not.toHaveProperty('replicas')
    const three = deploymentFrom(iris, { replicas: 3 })
    expect(at(three, 'spec', 'replicas')).toBe(3)
    expect(three.metadata).toEqual(deployment.metadata)
  })

  it('waits as long as it is told for the first ready pod', () => {
    const slow = deploymentFrom(iris, { progressDeadlineSeconds: 1200 })
    expect(at(slow, 'spec', 'progressDeadlineSeconds')).toBe(1200)
  })
})

describe('a GPU service', () => {
  it('goes where its manifest says', () => {
    const deployment = deploymentFrom(`
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: llm, namespace: garden}
spec:
  predictor:
    nodeSelector: {gpu: a100}
    tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
    serviceAccountName: models
    runtimeClassName: nvidia
    priorityClassName: high
    hostIPC: true
    terminationGracePeriodSeconds: 90
    imagePullSecrets: [{name: registry}]
    topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]
    affinity: {nodeAffinity: {}}
    volumes: [{name: cache, emptyDir: {sizeLimit: 1Gi}}]
    model:
      modelFormat: {name: vLLM}
      storageUri: hf://org/model
      resources: {limits: {nvidia.com/gpu: 1}, requests: {nvidia.com/gpu: 1}}
      volumeMounts: [{name: cache, mountPath: /cache}]
`)
    expect(podOf(deployment)).toMatchObject({
      nodeSelector: { gpu: 'a100' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
      serviceAccountName: 'models',
      runtimeClassName: 'nvidia',
      priorityClassName: 'high',
      hostIPC: true,
      terminationGracePeriodSeconds: 90,
      imagePullSecrets: [{ name: 'registry' }],
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }],
      affinity: { nodeAffinity: {} },
      // The runtime's volume, the service's and the model's.
      volumes: [
        { name: 'devshm', emptyDir: { medium: 'Memory' } },
        { name: 'cache', emptyDir: { sizeLimit: '1Gi' } },
        { name: 'kserve-provision-location', emptyDir: {} },
      ],
    })
    expect(containerIn(deployment)).toMatchObject({
      image: 'vllm/vllm-openai',
      resources: {
        limits: { cpu: '1', memory: '2Gi', 'nvidia.com/gpu': '1' },
        requests: { cpu: '1', memory: '2Gi', 'nvidia.com/gpu': '1' },
      },
      readinessProbe: {
        httpGet: { path: '/v1/models', port: 8080 },
        failureThreshold: 3,
        periodSeconds: 10,
        successThreshold: 1,
        timeoutSeconds: 5,
      },
      volumeMounts: [
        { name: 'devshm', mountPath: '/dev/shm' },
        { name: 'cache', mountPath: '/cache' },
        { name: 'kserve-provision-location', mountPath: '/mnt/models', readOnly: true },
      ],
    })
  })
})

const triton = `
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: server, namespace: garden}
spec:
  annotations: {prometheus.kserve.io/port: "8002"}
  supportedModelFormats: [{name: pytorch, version: "2"}]
  containers:
    - name: triton
      image: tritonserver:24
      args: ["--http-port={{.Port}}", "--grpc-port={{.GrpcPort}}", "--store={{.ModelDir}}", "--name={{.Name}}"]
      lifecycle: {preStop: {exec: {command: [stop, "{{.Name}}"]}}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: many
  namespace: garden
  annotations:
    sidecar.istio.io/inject: "false"
    autoscaling.knative.dev/target: "4"
    kubectl.kubernetes.io/last-applied-configuration: "{}"
  labels: {team: green, argocd.argoproj.io/instance: x}
spec:
  predictor:
    labels: {team: blue}
    model: {modelFormat: {name: pytorch}, runtime: server, storageUri: "s3://models/bert"}
`

describe('a runtime whose container has another name', () => {
  const deployment = deploymentFrom(triton)

  it('keeps that name, and its placeholders are filled in', () => {
    expect(containerIn(deployment, 'triton')).toMatchObject({
      args: ['--http-port=8080', '--grpc-port=8081', '--store=/mnt/models', '--name=many'],
      ports: [
        { containerPort: 8080, protocol: 'TCP' },
        { name: 'grpc', containerPort: 8081, protocol: 'TCP' },
      ],
      lifecycle: { preStop: { exec: { command: ['stop', 'many'] } } },
    })
  })

  it('has what pods are to carry, and nothing of what says how to scale or who applied it', () => {
    expect(at(deployment, 'spec', 'template', 'metadata')).toMatchObject({
      annotations: { 'sidecar.istio.io/inject': 'false', 'prometheus.kserve.io/port': '8002' },
      labels: { team: 'blue', app: 'isvc.many-predictor' },
    })
    const annotations = at(deployment, 'spec', 'template', 'metadata', 'annotations')
    expect(Object.keys(annotations ?? {})).toHaveLength(2)
    expect(deployment.metadata.labels).not.toHaveProperty(['argocd.argoproj.io/instance'])
  })
})

const custom = (container: string, pod = '') => `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: own, namespace: garden}
spec:
  predictor:
    ${pod}
    containers:
      - ${container}
`

describe('a container of the user', () => {
  it('keeps the order of its variables where one has its value from elsewhere', () => {
    const deployment = deploymentFrom(
      custom(`{name: c, image: i, envFrom: [{configMapRef: {name: m}}], env: [{name: A, value: "1"},
        {name: TOKEN, valueFrom: {secretKeyRef: {name: s, key: k}}}, {name: URL, value: "http://$(TOKEN)@{{.Name}}:{{.Port}}"}, {name: PORT, value: "9"}]}`),
    )
    expect(containerIn(deployment, 'c')).toMatchObject({
      envFrom: [{ configMapRef: { name: 'm' } }],
      env: [
        { name: 'INFERENCE_SERVICE_NAME', value: 'own' },
        { name: 'A', value: '1' },
        { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
        { name: 'URL', value: 'http://$(TOKEN)@own:8080' },
        { name: 'PORT', value: '9' },
      ],
    })
  })

  it('has its ports as Kubernetes knows them, and probes that ask the right one', () => {
    const deployment = deploymentFrom(
      custom(`{name: c, image: i, ports: [{containerPort: 9000, name: h2c, appProtocol: kubernetes.io/h2c}, {containerPort: 5000, name: web, hostPort: 5000}],
        readinessProbe: {httpGet: {path: "/ready/{{.Name}}", scheme: HTTPS}, periodSeconds: 3, failureThreshold: 7},
        livenessProbe: {grpc: {}}, startupProbe: {tcpSocket: {port: "5000"}, failureThreshold: 60}}`),
    )
    expect(containerIn(deployment, 'c')).toMatchObject({
      ports: [
        { containerPort: 9000, name: 'h2c', protocol: 'TCP' },
        { containerPort: 5000, name: 'web', hostPort: 5000, protocol: 'TCP' },
      ],
      readinessProbe: {
        httpGet: { path: '/ready/own', scheme: 'HTTPS', port: 5000 },
        periodSeconds: 3,
        failureThreshold: 7,
      },
      livenessProbe: { grpc: { port: 9000 } },
      startupProbe: { tcpSocket: { port: 5000 }, failureThreshold: 60 },
      env: [
        { name: 'INFERENCE_SERVICE_NAME', value: 'own' },
        { name: 'PORT', value: '5000' },
      ],
    })
    expect(JSON.stringify(deployment)).not.toContain('appProtocol')
  })

  it('is called kserve-container if it has no name', () => {
    expect(containerIn(deploymentFrom(custom('{image: i, command: [run]}')))).toMatchObject({
      command: ['run'],
    })
  })

  it('finds its model where STORAGE_URI says, with what comes before and beside it', () => {
    const deployment = deploymentFrom(
      custom(
        `{name: c, image: i, securityContext: {runAsUser: 7}, env: [{name: STORAGE_URI, value: "gs://a/b"}]}
      - {name: log, image: l, args: ["--of={{.Name}}"], livenessProbe: {httpGet: {path: /, port: 1}}}`,
        'initContainers: [{name: warm, image: w}]',
      ),
    )
    expect(containerIn(deployment, 'c')).toMatchObject({
      securityContext: { runAsUser: 7 },
      env: expect.arrayContaining([{ name: 'STORAGE_URI', value: '/mnt/models' }]),
    })
    expect(containerIn(deployment, 'log')).toEqual({
      name: 'log',
      image: 'l',
      args: ['--of=own'],
      livenessProbe: { httpGet: { path: '/', port: 1 } },
    })
    expect(at(podOf(deployment), 'initContainers')).toMatchObject([
      { name: 'warm', image: 'w' },
      { name: 'storage-initializer' },
    ])
  })
})

describe('a transformer', () => {
  const isvc = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: images, namespace: garden}
spec:
  predictor: {model: {modelFormat: {name: sklearn}, storageUri: "gs://a/b"}}
  transformer: {containers: [{name: kserve-container, image: t}]}
`
  it('is told where the predictor is: the name that leads to the gateway', () => {
    const deployment = deploymentFrom(isvc, { component: 'transformer' })
    expect(deployment.metadata).toMatchObject({
      name: 'images-transformer-00001',
      labels: { component: 'transformer', app: 'isvc.images-transformer' },
    })
    expect(containerIn(deployment)).toMatchObject({
      args: ['--model_name', 'images', '--predictor_host', 'images-predictor.garden', '--http_port', '8080'],
    })
    expect(podOf(deployment)).not.toHaveProperty('initContainers')
  })

  it('in the pod of its predictor takes the requests', () => {
    const deployment = deploymentFrom(
      custom(`{name: kserve-container, image: p, env: [{name: STORAGE_URI, value: "gs://a/b"}]}
      - {name: transformer-container, image: t, ports: [{containerPort: 9090}], args: ["--port={{.Port}}"]}`),
    )
    expect(containerIn(deployment)).not.toHaveProperty('ports')
    expect(containerIn(deployment)).not.toHaveProperty('readinessProbe')
    expect(containerIn(deployment, 'transformer-container')).toMatchObject({
      args: ['--port=9090'],
      ports: [{ containerPort: 9090, protocol: 'TCP' }],
      readinessProbe: { tcpSocket: { port: 9090 } },
      env: [
        { name: 'INFERENCE_SERVICE_NAME', value: 'own' },
        { name: 'PORT', value: '9090' },
      ],
      volumeMounts: [{ name: 'kserve-provision-location', mountPath: '/mnt/models', readOnly: true }],
    })
  })

  it('leaves the model behind it the port and the probe that it declares', () => {
    const deployment = deploymentFrom(
      custom(`{name: kserve-container, image: p, ports: [{containerPort: 8085}], livenessProbe: {httpGet: {path: /}}}
      - {name: transformer-container, image: t}`),
    )
    expect(containerIn(deployment)).toMatchObject({
      ports: [{ containerPort: 8085, protocol: 'TCP' }],
      readinessProbe: { tcpSocket: { port: 8085 } },
      livenessProbe: { httpGet: { path: '/', port: 8085 } },
    })
    expect(containerIn(deployment, 'transformer-container')).toMatchObject({
      ports: [{ containerPort: 8080 }],
    })
  })
})

describe('names that are longer than a label', () => {
  it('are shortened with a hash, so that the API server takes them', () => {
    const name = `m${'o'.repeat(61)}`
    const { labels = {} } = deploymentFrom(
      custom('{image: i}').replace('name: own', `name: ${name}`),
    ).metadata
    for (const value of Object.values(labels)) expect(value.length).toBeLessThanOrEqual(63)
    expect(labels['pilotlight.dev/inferenceservice']).toBe(name)
  })
})
