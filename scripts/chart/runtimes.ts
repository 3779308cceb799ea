import { catalogue, type Runtime } from '../../src/kserve/index.ts'
import { PART_OF, type Manifest } from './crds.ts'

/**
 * The ClusterServingRuntimes that the chart brings: KServe's, from the catalogue, and one for TGI, with the tags of images
 * that they were made for. Images without a tag get `runtimes.kserveTag`.
 */
type Spec = Runtime['spec']
type Container = Spec['containers'][number]

const IMAGE_TAGS: Readonly<Record<string, string>> = {
  'tensorflow/serving': '2.6.2',
  'pytorch/torchserve-kfs': '0.9.0',
  'nvcr.io/nvidia/tritonserver': '23.05-py3',
  'seldonio/mlserver': '1.5.0',
  'vllm/vllm-openai': 'v0.11.0',
}

/** Their images name no user; without one a pod that must not be root does not start. */
const NEEDS_USER: ReadonlySet<string> = new Set([
  'kserve-tensorflow-serving',
  'kserve-torchserve',
  'kserve-tritonserver',
  'kserve-vllmserver',
  'pilotlight-tgi',
])

/** Held back until a replica may span nodes. */
const DISABLED: ReadonlySet<string> = new Set(['kserve-huggingfaceserver-multinode'])

/** Text Generation Inference: OpenAI's API, on request only, so that no choice of KServe's changes. */
const tgi: Runtime = {
  kind: 'ClusterServingRuntime',
  name: 'pilotlight-tgi',
  spec: {
    annotations: { 'prometheus.kserve.io/port': '8080', 'prometheus.kserve.io/path': '/metrics' },
    supportedModelFormats: [{ name: 'huggingface', version: '1' }],
    containers: [
      {
        name: 'kserve-container',
        image: 'ghcr.io/huggingface/text-generation-inference:3.3.6',
        args: ['--model-id=/mnt/models', '--hostname=0.0.0.0', '--port=8080'],
        env: [{ name: 'HF_HOME', value: '/tmp' }],
        readinessProbe: { httpGet: { path: '/health', port: 8080 }, periodSeconds: 10 },
        resources: { requests: { cpu: '1', memory: '2Gi' }, limits: { cpu: '1', memory: '2Gi' } },
        volumeMounts: [{ name: 'devshm', mountPath: '/dev/shm' }],
      },
    ],
    volumes: [{ name: 'devshm', emptyDir: { medium: 'Memory' } }],
  },
}

/** What the `restricted` pod security standard asks of a container. */
function restricted(name: string): Container['securityContext'] {
  return {
    allowPrivilegeEscalation: false,
    privileged: false,
    runAsNonRoot: true,
    ...(NEEDS_USER.has(name) ? { runAsUser: 1000 } : {}),
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  }
}

function shipped({ name, spec }: Runtime): Manifest {
  const secured = (containers: readonly Container[]): Container[] =>
    containers.map((container) => ({
      ...container,
      ...(container.image === undefined ? {} : { image: tagged(container.image) }),
      // MLServer looks for models where it was started, unless told otherwise.
      ...(name === 'kserve-mlserver'
        ? { env: [...(container.env ?? []), { name: 'MODELS_DIR', value: '/mnt/models' }] }
        : {}),
      securityContext: restricted(name),
    }))
  const { workerSpec } = spec
  return {
    apiVersion: 'serving.kserve.io/v1alpha1',
    kind: 'ClusterServingRuntime',
    metadata: { name, labels: PART_OF },
    spec: {
      ...spec,
      ...(DISABLED.has(name) ? { disabled: true } : {}),
      containers: secured(spec.containers),
      ...(workerSpec === undefined
        ? {}
        : { workerSpec: { ...workerSpec, containers: secured(workerSpec.containers ?? []) } }),
    },
  }
}

function tagged(image: string): string {
  const tag = IMAGE_TAGS[image]
  return tag === undefined ? image : `${image}:${tag}`
}

export function runtimes(): readonly Manifest[] {
  return [...catalogue, tgi].map(shipped)
}

/** Which container downloads a model, by the beginning of its URI. */
export function storageContainers(): readonly Manifest[] {
  const quantity = (cpu: string, memory: string): object => ({ cpu, memory })
  return [
    {
      apiVersion: 'serving.kserve.io/v1alpha1',
      kind: 'ClusterStorageContainer',
      metadata: { name: 'default', labels: PART_OF },
      spec: {
        container: {
          name: 'storage-initializer',
          image: 'kserve/storage-initializer',
          resources: { requests: quantity('100m', '100Mi'), limits: quantity('1', '1Gi') },
          securityContext: restricted('storage-initializer'),
        },
        supportedUriFormats: [
          { prefix: 'gs://' },
          { prefix: 's3://' },
          { prefix: 'hdfs://' },
          { prefix: 'webhdfs://' },
          { prefix: 'hf://' },
          { regex: String.raw`https://(.+?)\.blob\.core\.windows\.net/(.+)` },
          { regex: String.raw`https://(.+?)\.file\.core\.windows\.net/(.+)` },
          { regex: 'https?://(.+)/(.+)' },
        ],
        workloadType: 'initContainer',
      },
    },
  ]
}
