import type { Runtime } from './runtimes.ts'
import type { Container } from './schema/kubernetes.ts'
import type { ServingRuntimeSpec } from './schema/serving-runtime.ts'

/**
 * The 14 ClusterServingRuntimes that KServe installs (config/runtimes, the list in its kustomization.yaml),
 * as facts: formats, protocols, and how their servers are started. Images carry no tag: a cluster's
 * operator chooses it.
 */

type Format = NonNullable<ServingRuntimeSpec['supportedModelFormats']>[number]

/** `sklearn 0, 1` with one priority; a version of its own for each. */
function formats(name: string, versions: readonly string[], priority: number): Format[] {
  return versions.map((version) => ({ name, version, autoSelect: true, priority }))
}

interface Facts {
  readonly formats: readonly Format[]
  readonly protocols?: readonly string[]
  readonly container: Container
  readonly metricsPort?: number
  readonly more?: Partial<ServingRuntimeSpec>
}

function builtIn(name: string, facts: Facts): Runtime {
  const { container, protocols, metricsPort = 8080 } = facts
  const resources = { cpu: '1', memory: '2Gi' }
  return {
    kind: 'ClusterServingRuntime',
    name,
    spec: {
      annotations: {
        'prometheus.kserve.io/port': String(metricsPort),
        'prometheus.kserve.io/path': '/metrics',
      },
      supportedModelFormats: [...facts.formats],
      ...(protocols === undefined ? {} : { protocolVersions: [...protocols] }),
      containers: [
        {
          name: 'kserve-container',
          resources: { requests: resources, limits: resources },
          ...container,
        },
      ],
      ...facts.more,
    },
  }
}

/** The Python servers of KServe take the same arguments. */
function pythonServer(name: string, supported: readonly Format[], more: readonly string[] = []): Runtime {
  return builtIn(name, {
    formats: supported,
    protocols: ['v1', 'v2'],
    container: {
      image: `kserve/${name.slice('kserve-'.length)}`,
      args: ['--model_name={{.Name}}', '--model_dir=/mnt/models', '--http_port=8080', ...more],
    },
  })
}

const sharedMemory = { name: 'devshm', emptyDir: { medium: 'Memory' } }
const sharedMemoryMount = { name: 'devshm', mountPath: '/dev/shm' }

export const catalogue: readonly Runtime[] = [
  builtIn('kserve-tensorflow-serving', {
    formats: formats('tensorflow', ['1', '2'], 2),
    protocols: ['v1', 'grpc-v1'],
    container: {
      image: 'tensorflow/serving',
      command: ['/usr/bin/tensorflow_model_server'],
      args: [
        '--model_name={{.Name}}',
        '--port=9000',
        '--rest_api_port=8080',
        '--model_base_path=/mnt/models',
        '--rest_api_timeout_in_ms=60000',
      ],
    },
  }),
  builtIn('kserve-torchserve', {
    formats: formats('pytorch', ['1'], 2),
    protocols: ['v1', 'v2', 'grpc-v2'],
    metricsPort: 8082,
    container: {
      image: 'pytorch/torchserve-kfs',
      args: [
        'torchserve',
        '--start',
        '--model-store=/mnt/models/model-store',
        '--ts-config=/mnt/models/config/config.properties',
      ],
      env: [{ name: 'TS_SERVICE_ENVELOPE', value: '{{.Labels.serviceEnvelope}}' }],
    },
  }),
  builtIn('kserve-tritonserver', {
    formats: [
      ...formats('tensorrt', ['8'], 1),
      ...formats('tensorflow', ['1', '2'], 1),
      ...formats('onnx', ['1'], 1),
      { name: 'pytorch', version: '1' },
      ...formats('triton', ['2'], 1),
    ],
    protocols: ['v2', 'grpc-v2'],
    metricsPort: 8002,
    container: {
      image: 'nvcr.io/nvidia/tritonserver',
      args: [
        'tritonserver',
        '--model-store=/mnt/models',
        '--grpc-port=9000',
        '--http-port=8080',
        '--allow-grpc=true',
        '--allow-http=true',
      ],
    },
  }),
  pythonServer('kserve-sklearnserver', formats('sklearn', ['1'], 1)),
  pythonServer('kserve-xgbserver', formats('xgboost', ['2'], 1), ['--nthread=1']),
  pythonServer('kserve-lgbserver', formats('lightgbm', ['4'], 1), ['--nthread=1']),
  pythonServer('kserve-pmmlserver', formats('pmml', ['3', '4'], 1)),
  pythonServer('kserve-paddleserver', formats('paddle', ['2'], 1)),
  pythonServer('kserve-autogluonserver', formats('autogluon', ['1'], 1)),
  pythonServer(
    'kserve-predictiveserver',
    [
      { name: 'sklearn', version: '1', autoSelect: false, priority: 3 },
      { name: 'xgboost', version: '2', autoSelect: false, priority: 3 },
      { name: 'lightgbm', version: '4', autoSelect: false, priority: 3 },
    ],
    ['--framework={{.Annotations.modelFormat}}', '--nthread=1'],
  ),
  builtIn('kserve-mlserver', {
    formats: [
      ...formats('sklearn', ['0', '1'], 2),
      ...formats('xgboost', ['1', '2'], 2),
      ...formats('lightgbm', ['3', '4'], 2),
      ...formats('mlflow', ['1', '2'], 1),
    ],
    protocols: ['v2'],
    container: {
      image: 'seldonio/mlserver',
      env: [
        { name: 'MLSERVER_MODEL_IMPLEMENTATION', value: '{{.Labels.modelClass}}' },
        { name: 'MLSERVER_HTTP_PORT', value: '8080' },
        { name: 'MLSERVER_GRPC_PORT', value: '9000' },
      ],
    },
  }),
  builtIn('kserve-huggingfaceserver', {
    formats: formats('huggingface', ['1'], 1),
    protocols: ['v2', 'v1'],
    container: {
      image: 'kserve/huggingfaceserver',
      args: ['--model_name={{.Name}}'],
      env: [{ name: 'LMCACHE_USE_EXPERIMENTAL', value: 'True' }],
      volumeMounts: [sharedMemoryMount],
    },
    more: { volumes: [sharedMemory], hostIPC: false },
  }),
  builtIn('kserve-huggingfaceserver-multinode', {
    formats: formats('huggingface', ['1'], 2),
    protocols: ['v2', 'v1'],
    container: {
      image: 'kserve/huggingfaceserver',
      args: ['--model_name={{.Name}}'],
      resources: { requests: { cpu: '2', memory: '6Gi' }, limits: { cpu: '4', memory: '12Gi' } },
      volumeMounts: [sharedMemoryMount],
    },
    more: {
      volumes: [sharedMemory],
      workerSpec: {
        pipelineParallelSize: 1,
        tensorParallelSize: 1,
        containers: [{ name: 'worker-container', image: 'kserve/huggingfaceserver' }],
        volumes: [sharedMemory],
      },
    },
  }),
  builtIn('kserve-vllmserver', {
    formats: formats('vLLM', ['1'], 1),
    container: {
      image: 'vllm/vllm-openai',
      command: ['python', '-m', 'vllm.entrypoints.openai.api_server'],
      args: ['--port=8080', '--served-model-name={{.Name}}', '--model=/mnt/models'],
      env: [
        { name: 'LMCACHE_USE_EXPERIMENTAL', value: 'True' },
        { name: 'HF_HOME', value: '/tmp' },
        { name: 'VLLM_CONFIG_ROOT', value: '/tmp' },
        { name: 'VLLM_WORKER_MULTIPROC_METHOD', value: 'spawn' },
      ],
      readinessProbe: {
        httpGet: { path: '/v1/models', port: 8080 },
        failureThreshold: 3,
        periodSeconds: 10,
        successThreshold: 1,
        timeoutSeconds: 5,
      },
      volumeMounts: [sharedMemoryMount],
    },
    more: { volumes: [sharedMemory], hostIPC: false },
  }),
]
