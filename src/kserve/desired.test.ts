import { describe, expect, it } from 'vitest'

import { toDesired } from './desired.ts'
import type { DesiredOptions } from './desired-service.ts'
import { parseDocuments } from './documents.ts'

const toyRuntime = `
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: toy}
spec:
  supportedModelFormats: [{name: toy, version: "1", autoSelect: true, priority: 1}]
  protocolVersions: [v2]
  annotations: {autoscaling.knative.dev/window: 30s}
  containers:
  - name: server
    image: toy:1
    command: [python, server.py]
    args: ["--name={{.Name}}", "--port={{.Port}}", "--dir={{.ModelDir}}"]
    env: [{name: TEAM, value: "{{.Labels.team}}"}, {name: A, value: "1"}]
    workingDir: ./server
    resources: {limits: {cpu: 1, memory: 1Gi}}
---
`

const service = (spec: string, metadata = ''): string =>
  `{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, metadata: {name: iris, namespace: default${metadata}}, spec: ${spec}}\n`

const desired = (text: string, options: Partial<DesiredOptions> = {}) =>
  toDesired(parseDocuments(text, { file: 'm.yaml', baseDir: '/models' }), {
    metadata: () => ({ generation: 3, createdAtMs: 1000 }),
    predictorHost: (namespace, component) => `${component}.${namespace}`,
    ...options,
  })

const toyModel = 'model: {modelFormat: {name: toy}, protocolVersion: v2, storageUri: gs://a/b'

describe('toDesired', () => {
  it('merges the runtime of the folder with the model, and leaves what a replica decides', () => {
    const { services, problems, warnings } = desired(
      toyRuntime +
        service(
          `{predictor: {nodeSelector: {a: b}, ${toyModel}, args: [--fast], env: [{name: A, value: "2"}], resources: {limits: {cpu: "2"}}}}}`,
          ', labels: {team: red}',
        ),
    )
    expect(problems).toEqual([])
    expect(warnings).toEqual([])
    expect(services[0]?.failure).toBeUndefined()
    expect(services[0]).toMatchObject({
      namespace: 'default',
      name: 'iris',
      generation: 3,
      createdAtMs: 1000,
    })
    expect(services[0]?.components.predictor.name).toBe('iris-predictor')
    expect(services[0]?.components.predictor.template).toEqual({
      replica: {
        runtime: { kind: 'ServingRuntime', name: 'toy' },
        image: 'toy:1',
        command: ['python', 'server.py'],
        args: ['--name=iris', '--port={{.Port}}', '--dir={{.ModelDir}}', '--fast'],
        env: [
          { name: 'TEAM', value: 'red' },
          { name: 'A', value: '2' },
        ],
        workingDir: './server',
        baseDir: '/models',
        ports: [],
        requests: {},
        limits: { cpu: '2', memory: '1Gi' },
        storage: [{ uri: 'gs://a/b', mountPath: '/mnt/models' }],
        modelName: 'iris',
        protocol: 'v2',
        podSpec: { nodeSelector: { a: 'b' } },
      },
      limits: {
        containerConcurrency: 0,
        timeoutMs: 300_000,
        responseStartTimeoutMs: 300_000,
        idleTimeoutMs: 0,
      },
      scaling: {
        class: 'kpa',
        annotations: { 'autoscaling.knative.dev/window': '30s', 'autoscaling.knative.dev/min-scale': '1' },
      },
    })
  })

  it('finds a runtime wherever it stands, and says which formats there are', () => {
    const text = `${service(`{predictor: {${toyModel}}}}`)}---\n${toyRuntime}`
    expect(desired(text).services[0]?.failure).toBeUndefined()
    const { services } = desired(toyRuntime + service('{predictor: {sklearn: {}}}'))
    expect(services[0]?.failure).toEqual({
      reason: 'NoSupportingRuntime',
      message:
        'no runtime found to support predictor with model type: {sklearn <nil>}; the runtimes in the folder support toy',
    })
  })

  it('names the protocol that keeps a runtime from being chosen', () => {
    const { services } = desired(
      toyRuntime + service(`{predictor: {${toyModel.replace('protocolVersion: v2, ', '')}}}}`),
    )
    expect(services[0]?.failure?.message).toBe(
      'no runtime found to support predictor with model type: {toy <nil>}; toy speaks v2: ' +
        'set spec.predictor.model.protocolVersion (v1 is meant where it is not set)',
    )
  })

  it('says what to do about a runtime that has only an image', () => {
    const { services } = desired(
      toyRuntime.replace(/ +command:.*\n/, '') + service(`{predictor: {${toyModel}}}}`),
    )
    expect(services[0]?.failure?.reason).toBe('InvalidPredictorSpec')
    expect(services[0]?.failure?.message).toMatch(
      /^the ServingRuntime toy has no command .* set spec\.containers\[0\]\.command/,
    )
  })

  it('needs no command on Kubernetes, and knows the built-in runtimes there', () => {
    const { services } = desired(service('{predictor: {sklearn: {storageUri: gs://a}}}'), {
      runtimes: 'catalogue',
    })
    expect(services[0]?.failure).toBeUndefined()
    expect(services[0]?.components.predictor.template.replica).toMatchObject({
      runtime: { kind: 'ClusterServingRuntime', name: 'kserve-sklearnserver' },
      args: ['--model_name=iris', '--model_dir=/mnt/models', '--http_port=8080'],
      protocol: 'v1',
    })
  })

  it('scales as the spec says: replicas, target, metric, concurrency, timeout', () => {
    const { services } = desired(
      toyRuntime +
        service(
          `{predictor: {minReplicas: 0, maxReplicas: 4, scaleTarget: 5, scaleMetric: rps, containerConcurrency: 8, timeout: 60, canaryTrafficPercent: 10, ${toyModel}}}}`,
          ', annotations: {autoscaling.knative.dev/window: 40s, autoscaling.knative.dev/min-scale: "7", serving.knative.dev/progress-deadline: 20m}',
        ),
    )
    const predictor = services[0]?.components.predictor
    expect(predictor?.canaryTrafficPercent).toBe(10)
    expect(predictor?.template.limits).toMatchObject({ containerConcurrency: 8, timeoutMs: 60_000 })
    expect(predictor?.template.scaling).toEqual({
      class: 'kpa',
      annotations: {
        'autoscaling.knative.dev/window': '40s',
        'autoscaling.knative.dev/min-scale': '0',
        'autoscaling.knative.dev/max-scale': '4',
        'autoscaling.knative.dev/target': '5',
        'autoscaling.knative.dev/metric': 'rps',
        'serving.knative.dev/progress-deadline': '20m',
      },
    })
  })

  it('scales on concurrency where a metric is unknown, and says so', () => {
    const { services, warnings } = desired(
      toyRuntime +
        service(
          `{predictor: {${toyModel}}}}`,
          ', annotations: {serving.kserve.io/metric: gpu-temperature, serving.kserve.io/targetUtilizationPercentage: "70"}',
        ),
    )
    expect(services[0]?.components.predictor.template.scaling.annotations).not.toHaveProperty(
      'autoscaling.knative.dev/metric',
    )
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^metadata.annotations\[serving.kserve.io\/metric\]: "gpu-temperature" is no metric; .* it is scaled on concurrency/,
      ),
    ])
  })

  it.each([
    ['none', 'fixed'],
    ['external', 'external'],
  ])('does not scale by itself in Standard mode with autoscalerClass %s', (autoscaler, kind) => {
    const { services } = desired(
      toyRuntime +
        service(
          `{predictor: {minReplicas: 2, ${toyModel}}}}`,
          `, annotations: {serving.kserve.io/deploymentMode: RawDeployment, serving.kserve.io/autoscalerClass: ${autoscaler}}`,
        ),
    )
    expect(services[0]?.deploymentMode).toBe('Standard')
    expect(services[0]?.components.predictor.template.scaling).toMatchObject({
      class: kind,
      annotations: { 'autoscaling.knative.dev/min-scale': '2' },
    })
  })

  it('tells transformer and explainer where the predictor is, unless they say it themselves', () => {
    const { services } = desired(
      toyRuntime +
        service(
          `{predictor: {name: v1, ${toyModel}}}, transformer: {containers: [{name: kserve-container, command: [python, -m, t], args: [--model_name, cifar]}]}, ` +
            'explainer: {containerConcurrency: 2, containers: [{command: [python, e.py]}]}}',
        ),
    )
    const { predictor, transformer, explainer } = services[0]?.components ?? {}
    expect(predictor?.name).toBe('iris-v1-predictor')
    expect(transformer?.name).toBe('iris-transformer')
    expect(transformer?.template.replica).toMatchObject({
      command: ['python', '-m', 't'],
      args: [
        '--model_name',
        'cifar',
        '--predictor_host',
        'iris-v1-predictor.default',
        '--http_port',
        '{{.Port}}',
      ],
      baseDir: '/models',
    })
    expect(explainer?.template.replica.args).toEqual([
      '--model_name',
      'iris',
      '--predictor_host',
      'iris-v1-predictor.default',
      '--http_port',
      '{{.Port}}',
      '--workers',
      '2',
    ])
  })

  it('runs a custom container, with its model from STORAGE_URI', () => {
    const { services, warnings } = desired(
      service(
        '{predictor: {containers: [{name: side}, {name: kserve-container, command: [serve], ports: [{containerPort: 7000}], ' +
          'env: [{name: STORAGE_URI, value: s3://a/b}, {name: PROTOCOL, value: v2}, {name: POD, valueFrom: {fieldRef: {}}}]}]}}',
      ),
    )
    expect(services[0]?.components.predictor.template.replica).toMatchObject({
      command: ['serve'],
      ports: [{ containerPort: 7000 }],
      storage: [{ uri: 's3://a/b', mountPath: '/mnt/models' }],
      protocol: 'v2',
      podSpec: { containers: [{ name: 'kserve-container' }, { name: 'side' }] },
    })
    expect(warnings.map(({ message }) => message)).toEqual([
      'spec.predictor.containers[1] (kserve-container): POD is not set on this machine: valueFrom needs a cluster',
      'spec.predictor.containers: only one of them is run on this machine',
    ])
  })

  it('makes of spec.canary predictors with their own fields over the stable ones', () => {
    const { services } = desired(
      toyRuntime +
        service(
          `{predictor: {minReplicas: 4, ${toyModel}, args: [--a]}}, canary: [{trafficPercent: 30, predictor: {name: v2, model: {modelFormat: {name: toy}, storageUri: gs://a/c}}}]}`,
          ', annotations: {serving.kserve.io/deploymentMode: Standard}',
        ),
    )
    const [canary] = services[0]?.canaries ?? []
    expect(canary).toMatchObject({ name: 'v2', trafficPercent: 30 })
    expect(canary?.component.name).toBe('iris-v2-predictor')
    expect(canary?.component.template).toMatchObject({
      replica: { storage: [{ uri: 'gs://a/c' }], command: ['python', 'server.py'] },
      // 30 % of 4 is 1.2 replicas: 2.
      scaling: { class: 'fixed', annotations: { 'autoscaling.knative.dev/min-scale': '2' } },
    })
    expect(canary?.component.template.replica.args).toContain('--a')
  })

  it('reads the annotations and labels that change routing', () => {
    const { services } = desired(
      toyRuntime +
        service(
          `{predictor: {${toyModel}}}}`,
          ', labels: {networking.kserve.io/visibility: cluster-local}, annotations: {serving.kserve.io/stop: "true", ' +
            'serving.kserve.io/enable-tag-routing: "true", pilotlight.dev/sticky: "header:X-User"}',
        ),
    )
    expect(services[0]).toMatchObject({
      stopped: true,
      tagRouting: true,
      clusterLocal: true,
      sticky: { from: 'header', name: 'X-User' },
    })
  })

  it.each([
    [
      'canaryTrafficPercent: 150, ',
      '',
      /^spec\.predictor\.canaryTrafficPercent: 150 is out of range; allowed are 0 to 100 \(line \d+\)$/,
    ],
    [
      '',
      ', annotations: {pilotlight.dev/sticky: body}',
      /pilotlight\.dev\/sticky\]: "body" is not understood; allowed are header:NAME and cookie:NAME/,
    ],
    [
      '',
      ', annotations: {pilotlight.dev/stiky: "header:A"}',
      /unknown key; did you mean pilotlight\.dev\/sticky\?/,
    ],
    [
      '',
      ', annotations: {serving.kserve.io/deploymentMode: ModelMesh}',
      /ModelMesh is not served; allowed are Knative and Standard/,
    ],
  ])('refuses %s%s', (fields, metadata, message) => {
    const { services, problems } = desired(
      toyRuntime + service(`{predictor: {${fields}${toyModel}}}}`, metadata),
    )
    expect(services).toEqual([])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({
      source: 'm.yaml#1',
      kind: 'InferenceService',
      namespace: 'default',
      name: 'iris',
    })
    expect(problems[0]?.message).toMatch(message)
  })

  it('refuses a storage scheme that nothing fetches, in KServe’s words', () => {
    const { problems } = desired(service('{predictor: {sklearn: {storageUri: "ftp://x/y"}}}'))
    expect(problems[0]?.message).toMatch(
      /^StorageURI not supported: storageUri, must be one of: .* \[ftp:\/\/x\/y\] is not supported\./,
    )
  })

  it('refuses what the autoscaler does not understand', () => {
    const validateScaling = () => ['window: "x" is not allowed: 6s to 1h']
    const { problems } = desired(toyRuntime + service(`{predictor: {${toyModel}}}}`), { validateScaling })
    expect(problems[0]?.message).toBe('spec.predictor: window: "x" is not allowed: 6s to 1h')
  })

  it('goes on with the others: broken YAML, an unknown field, a second object of one name', () => {
    const good = service(`{predictor: {${toyModel}}, minReplica: 1}}`)
    const { services, problems, warnings } = desired(`${toyRuntime}${good}---\na: {b}/c\n---\n${good}`)
    expect(services.map(({ name }) => name)).toEqual(['iris'])
    expect(problems.map(({ source, message }) => [source, message])).toEqual([
      ['m.yaml#2', expect.stringMatching(/^m\.yaml:\d+:7: /)],
      ['m.yaml#3', 'InferenceService default/iris is already defined in m.yaml#1; this one is left out'],
    ])
    expect(warnings[0]?.message).toMatch(
      /^spec\.predictor\.minReplica: unknown field; did you mean minReplicas\? \(line \d+\)$/,
    )
  })

  it('says that a graph is checked and not served', () => {
    const { problems } = desired(
      '{apiVersion: serving.kserve.io/v1alpha1, kind: InferenceGraph, metadata: {name: g}, spec: {nodes: {root: {routerType: Sequence, steps: [{serviceName: a}]}}}}',
    )
    expect(problems[0]?.message).toMatch(/InferenceGraph is checked but not served yet/)
  })
})
