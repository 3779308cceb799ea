/**
 * Manifests and what KServe says of them, for everything that stands in for its webhook: our own validation, and the rules
 * that the API server evaluates. A refusal is KServe's message and a document as flow YAML.
 */
type Case = readonly [words: string, document: string]

/** An InferenceService as flow YAML: `spec` is all that differs between the cases. */
export const service = (spec: string, { name = 'foo', annotations = '{}' } = {}): string =>
  `{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, ` +
  `metadata: {name: ${name}, annotations: ${annotations}}, spec: ${spec}}`

export const predictor = (fields: string): string =>
  `{predictor: {${fields}model: {modelFormat: {name: sklearn}, storageUri: gs://a/b}}}`

export const standard = (more = ''): string => `{serving.kserve.io/deploymentMode: Standard${more}}`
const hpa = { annotations: standard(', serving.kserve.io/autoscalerClass: hpa') }
const keda = { annotations: standard(', serving.kserve.io/autoscalerClass: keda') }
const multinode = { annotations: standard(', serving.kserve.io/autoscalerClass: none') }

const external = (metric: string, target = '{type: Value, value: "5"}'): string =>
  `autoScaling: {metrics: [{type: External, external: {metric: {${metric}}, target: ${target}}}]}, `
const resource = (name: string, target: string): string =>
  `autoScaling: {metrics: [{type: Resource, resource: {name: ${name}, target: {${target}}}}]}, `
const worker = (fields: string, uri = 'pvc://a/b', more = ''): string =>
  `{predictor: {workerSpec: {${fields}}, model: {modelFormat: {name: huggingface}, storageUri: "${uri}"${more}}}}`

export const refusedServices: readonly Case[] = [
  [
    '[kpa] is not a supported autoscaler class type',
    service(predictor(''), { annotations: '{serving.kserve.io/autoscalerClass: kpa}' }),
  ],
  [
    'the InferenceService "foo" is invalid: setting PYTHONPATH in container "a" is not allowed for security reasons',
    service('{predictor: {containers: [{name: a, env: [{name: PYTHONPATH, value: x}]}]}}'),
  ],
  [
    'storage uri should not be specified in transformer container',
    service(
      '{predictor: {containers: [{name: a}, {name: transformer-container, env: [{name: STORAGE_URI, value: x}]}]}}',
    ),
  ],
  [`the 'name' field is not allowed in standard predictor`, service('{predictor: {sklearn: {name: a}}}')],
  [
    'Setting both StorageURI and StorageURIs is not supported.',
    service(predictor('storageUris: [{uri: gs://a}], ')),
  ],
  [
    'storage path must be absolute: a',
    service('{predictor: {storageUris: [{uri: gs://a, mountPath: a}], containers: [{name: c}]}}'),
  ],
  [
    "storage path cannot contain '..' for security reasons: /a/../b",
    service('{predictor: {storageUris: [{uri: gs://a, mountPath: /a/../b}], containers: [{name: c}]}}'),
  ],
  [
    'PVC storage paths must be unique',
    service('{predictor: {storageUris: [{uri: pvc://a}, {uri: pvc://b}], containers: [{name: c}]}}'),
  ],
  [
    'exactly one of [Name, SKLearn, XGBoost, Tensorflow, PyTorch, Triton, ONNX, HuggingFace, PMML, LightGBM, Paddle, Model, StorageUris, StorageContainerName, WorkerSpec, PodSpec] must be specified in PredictorSpec',
    service('{predictor: {sklearn: {}, xgboost: {}}}'),
  ],
  [
    'exactly one of [PodSpec, ComponentExtensionSpec] must be specified in TransformerSpec',
    service('{predictor: {sklearn: {}}, transformer: {}}'),
  ],
  [
    'exactly one of [ART, PodSpec, ComponentExtensionSpec] must be specified in ExplainerSpec',
    service('{predictor: {sklearn: {}}, explainer: {art: {}, containers: [{}]}}'),
  ],
  [
    `'MinReplicas' cannot be greater than MaxReplicas`,
    service(predictor('minReplicas: 3, maxReplicas: 2, ')),
  ],
  [`'MinReplicas' cannot be less than 0`, service(predictor('minReplicas: -1, '))],
  [`'MaxReplicas' cannot be less than 0`, service(predictor('maxReplicas: -1, '))],
  ['parallelism cannot be less than 0', service(predictor('containerConcurrency: -1, '))],
  [
    'invalid protocol v1, v2. Must be one of [v3]',
    service('{predictor: {containers: [{env: [{name: PROTOCOL, value: v3}]}]}}'),
  ],
  ['[cpu] is not a supported metric', service(predictor('scaleMetric: cpu, '))],
  ['the target for rps should be greater than 1', service(predictor('scaleMetric: rps, scaleTarget: 0, '))],
  [
    'customizing deploymentStrategy is only supported for raw deployment mode',
    service(predictor('deploymentStrategy: {type: Recreate}, ')),
  ],
  ['[rps] is not a supported metric', service(predictor('scaleMetric: rps, '), hpa)],
  [
    'the target utilization percentage should be a [1-100] integer',
    service(predictor('scaleTarget: 120, '), hpa),
  ],
  [
    'the target utilization percentage should be a [1-100] integer',
    service(predictor('scaleMetric: memory, scaleTarget: 150, '), hpa),
  ],
  [
    'invalid HPA metric source type with value [External],valid metric source types are Resource',
    service(predictor(external('query: up')), hpa),
  ],
  [
    'metricSpec.Resource is not set for resource metric source type',
    service(predictor('autoScaling: {metrics: [{type: Resource}]}, '), hpa),
  ],
  ['ScaleMetric is not supported for KEDA', service(predictor('scaleMetric: cpu, '), keda)],
  ['the query should not be empty', service(predictor(external('backend: prometheus')), keda)],
  [
    'the target threshold value should not be empty',
    service(predictor(external('query: up', '{type: Value}')), keda),
  ],
  [
    'the cpu target value type should be Utilization',
    service(predictor(resource('cpu', 'type: AverageValue')), keda),
  ],
  [
    'the memory target value should be greater than 1 MiB',
    service(predictor(resource('memory', 'type: AverageValue, averageValue: 1Ki')), keda),
  ],
  [
    'the AverageUtilization type should be set',
    service(predictor(resource('memory', 'type: Utilization')), keda),
  ],
  [`the InferenceService "foo" is invalid: Multinode only supports 'none' autoscaler()`, service(worker(''))],
  [
    `the InferenceService "foo" is invalid: Multinode only supports 'pvc' and 'oci' Storage Protocol(s3)`,
    service(worker('', 's3://a/b'), multinode),
  ],
  [
    'the InferenceService "foo" is invalid: WorkerSpec.PipelineParallelSize cannot be less than 1(0)',
    service(worker('pipelineParallelSize: 0'), multinode),
  ],
  [
    'the InferenceService "foo" is invalid: setting multiple containers in workerSpec is not allowed',
    service(worker('containers: [{}, {}]'), multinode),
  ],
  [
    'the InferenceService "foo" is invalid: Unknown GPU resource type. Set \'serving.kserve.io/gpu-resource-types\' annotation to use custom gpu resource type',
    service(worker('', 'pvc://a', ', resources: {limits: {acme.com/gpu: 1}}'), multinode),
  ],
]

/** With what is special about each. */
export const acceptedServices: readonly Case[] = [
  [
    'no autoscaler class: KServe checks nothing',
    service(predictor('scaleMetric: rps, '), { annotations: standard() }),
  ],
  [
    'Knative with the class of its HPA',
    service(predictor('scaleMetric: cpu, '), {
      annotations: '{autoscaling.knative.dev/class: hpa.autoscaling.knative.dev}',
    }),
  ],
  ['maxReplicas 0 is unset', service(predictor('minReplicas: 3, maxReplicas: 0, '))],
  ['a framework over a model', service('{predictor: {sklearn: {}, model: {modelFormat: {name: xgboost}}}}')],
  [
    'several nodes with a GPU type of their own',
    service(worker('', 'oci://a', ', resources: {limits: {acme.com/gpu: 1}}'), {
      annotations: standard(
        `, serving.kserve.io/autoscalerClass: none, serving.kserve.io/gpu-resource-types: '["acme.com/gpu"]'`,
      ),
    }),
  ],
]

const canaries = (list: string, stable = ''): string =>
  service(`{predictor: {${stable}minReplicas: 2, sklearn: {}}, canary: [${list}]}`, {
    annotations: standard(),
  })
const v2 = (fields = ''): string => `{trafficPercent: 20, predictor: {name: v2, ${fields}}}`

export const refusedCanaries: readonly Case[] = [
  ['canary[0] predictor.name is required', canaries('{trafficPercent: 20}')],
  ['canary predictor.name "v2" is duplicated', canaries(`${v2()}, ${v2()}`)],
  ['canary predictor.name "v2" conflicts with stable predictor name', canaries(v2(), 'name: v2, ')],
  ['canary "v2" must not set maxReplicas (canary uses fixed replicas)', canaries(v2('maxReplicas: 3'))],
  [
    'canary "v2" must not set workerSpec (multi-node is not yet supported for canary)',
    canaries(v2('workerSpec: {}')),
  ],
  [
    'canary "v2" minReplicas (3) must not exceed stable predictor minReplicas (2)',
    canaries(v2('minReplicas: 3')),
  ],
  [
    'sum of canary trafficPercent values (110) must be <= 100',
    canaries('{trafficPercent: 60, predictor: {name: a}}, {trafficPercent: 50, predictor: {name: b}}'),
  ],
  [
    'canary is only supported in Standard deployment mode',
    service(`{predictor: {sklearn: {}}, canary: [${v2()}]}`),
  ],
]

export const runtime = (formats: string, more = '', kind = 'ClusterServingRuntime'): string =>
  `{apiVersion: serving.kserve.io/v1alpha1, kind: ${kind}, metadata: {name: my-rt}, spec: {protocolVersions: [v1], ` +
  `supportedModelFormats: [${formats}], containers: [{name: kserve-container, ${more}}]}}`
export const uneven =
  '{name: foo, version: "1", autoSelect: true, priority: 1}, {name: foo, version: "2", autoSelect: true, priority: 2}'

/** The first needs to know the other runtimes. */
export const refusedRuntimes: readonly Case[] = [
  [
    'Forbidden same priority assigned for the model format SKLearn in the clusterservingruntimes kserve-sklearnserver and my-rt',
    runtime('{name: SKLearn, version: "1", autoSelect: true, priority: 1}'),
  ],
  [
    'Forbidden different priorities assigned for the model format foo under the clusterservingruntime my-rt',
    runtime(uneven),
  ],
  [
    'Forbidden the ClusterServingRuntime "my-rt" is invalid: setting PYTHONPATH in container "kserve-container" is not allowed for security reasons',
    runtime('', 'env: [{name: PYTHONPATH, value: x}]'),
  ],
]
