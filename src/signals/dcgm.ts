import type { ReplicaName } from '../core/names.ts'
import type { Labels, Sample } from './exposition-sample.ts'
import { averaged, ratio, type GpuUse, type ReplicaGpus } from './gpu.ts'
import { absent, shareOf, type Signal } from './signal.ts'

/** Where DCGM exporter listens on a node, unless it is told otherwise; it collects every 30 s. */
export const dcgmDefaults = { port: 9400, path: '/metrics' } as const

/** Each in its new spelling and in that of `--use-old-namespace` and of the exporter's first version. */
const NAMES = {
  /** Percent, of a whole GPU. */
  utilization: ['DCGM_FI_DEV_GPU_UTIL', 'dcgm_gpu_utilization'],
  /** 0 to 1, also of a MIG instance. Not among the metrics that are on by default. */
  active: ['DCGM_FI_PROF_GR_ENGINE_ACTIVE'],
  used: ['DCGM_FI_DEV_FB_USED', 'dcgm_fb_used'],
  free: ['DCGM_FI_DEV_FB_FREE', 'dcgm_fb_free'],
  reserved: ['DCGM_FI_DEV_FB_RESERVED'],
  total: ['DCGM_FI_DEV_FB_TOTAL', 'dcgm_fb_total'],
} as const satisfies Record<string, readonly string[]>

type Field = keyof typeof NAMES

/** The names of samples that a scrape of DCGM exporter is read for. */
export const dcgmSampleNames: ReadonlySet<string> = new Set(Object.values(NAMES).flat())

const fieldOf = new Map<string, Field>()
for (const field of ['utilization', 'active', 'used', 'free', 'reserved', 'total'] as const) {
  for (const name of NAMES[field]) fieldOf.set(name, field)
}

/** Behind a Prometheus the labels of the exporter's own pod have the plain names, and those that count begin with `exported_`. */
const POD = ['exported_pod', 'pod', 'pod_name']
const NAMESPACE = ['exported_namespace', 'namespace', 'pod_namespace']
const CONTAINER = ['exported_container', 'container', 'container_name']

export interface DcgmContainer extends ReplicaGpus {
  readonly replica: ReplicaName
  readonly container: string
}

interface Device {
  readonly replica: ReplicaName
  readonly container: string
  readonly gpu: string
  readonly isInstance: boolean
  readonly fields: Map<Field, Sample>
}

/**
 * GPUs by the container that has them. GPUs that no pod has are left out; one that several pods share (time slicing)
 * is there for each of them, as used by all.
 * @param samples of one scrape, read for `dcgmSampleNames`
 */
export function dcgmContainers(samples: readonly Sample[], atMs: number): readonly DcgmContainer[] {
  const devices = new Map<string, Device>()
  for (const sample of samples) {
    const field = fieldOf.get(sample.name)
    const device = field === undefined ? undefined : deviceOf(sample.labels)
    if (field === undefined || device === undefined) continue
    const key = `${device.replica} ${device.container} ${device.gpu}`
    const known = devices.get(key) ?? device
    devices.set(key, known)
    if (!known.fields.has(field)) known.fields.set(field, sample)
  }
  const containers = new Map<string, { readonly device: Device; readonly gpus: GpuUse[] }>()
  for (const device of devices.values()) {
    const key = `${device.replica} ${device.container}`
    const entry = containers.get(key) ?? { device, gpus: [] }
    containers.set(key, entry)
    entry.gpus.push(useOf(device, atMs))
  }
  return [...containers.values()].map(({ device: { replica, container }, gpus }) => ({
    replica,
    container,
    ...averaged(gpus, absent('not exported', `DCGM exporter says nothing of ${replica}`)),
  }))
}

/** The GPUs of a pod, those of all its containers; `container` narrows it to one. */
export function dcgmReplica(
  containers: readonly DcgmContainer[],
  replica: ReplicaName,
  container?: string,
): ReplicaGpus {
  const own = containers.filter(
    (one) => one.replica === replica && (container === undefined || one.container === container),
  )
  const where = container === undefined ? replica : `container ${container} of ${replica}`
  return averaged(
    own.flatMap(({ gpus }) => gpus),
    absent('not exported', `DCGM exporter names no GPU of ${where}`),
  )
}

function labelOf(labels: Labels, names: readonly string[]): string {
  for (const name of names) {
    const value = labels[name]
    if (value !== undefined && value !== '') return value
  }
  return ''
}

function deviceOf(labels: Labels): Device | undefined {
  const pod = labelOf(labels, POD)
  const namespace = labelOf(labels, NAMESPACE)
  if (pod === '' || namespace === '') return undefined
  const instance = labels['GPU_I_ID'] ?? ''
  const gpu = labelOf(labels, ['UUID', 'uuid', 'gpu', 'device'])
  return {
    replica: `${namespace}/${pod}`,
    container: labelOf(labels, CONTAINER),
    gpu: instance === '' ? gpu : `${gpu}/${instance}`,
    isInstance: instance !== '',
    fields: new Map(),
  }
}

function useOf({ gpu, isInstance, fields }: Device, atMs: number): GpuUse {
  return { gpu, utilization: utilizationOf(fields, isInstance, atMs), memory: memoryOf(fields, atMs) }
}

function utilizationOf(fields: ReadonlyMap<Field, Sample>, isInstance: boolean, atMs: number): Signal {
  const active = fields.get('active')
  const utilization = fields.get('utilization')
  if (utilization !== undefined && !isInstance && Number.isFinite(utilization.value)) {
    return share(utilization, 0.01, atMs)
  }
  if (active !== undefined) return share(active, 1, atMs)
  if (isInstance) {
    return absent(
      'not exported',
      'of a MIG instance only DCGM_FI_PROF_GR_ENGINE_ACTIVE tells, and it is not exported',
    )
  }
  if (utilization === undefined) return absent('not exported', 'DCGM_FI_DEV_GPU_UTIL is not exported')
  return share(utilization, 0.01, atMs)
}

function share({ name, value, timestampMs }: Sample, scale: number, atMs: number): Signal {
  if (!Number.isFinite(value)) return absent('not a number', `${name} is ${value}; a number is allowed`)
  return shareOf({ value: value * scale, atMs: timestampMs ?? atMs, from: name })
}

/** MiB all of them; what the driver reserves is neither used nor free. */
function memoryOf(fields: ReadonlyMap<Field, Sample>, atMs: number): Signal {
  const [used, free, reserved, total] = (['used', 'free', 'reserved', 'total'] as const).map((field) =>
    fields.get(field),
  )
  const sum =
    used === undefined || free === undefined ? undefined : used.value + free.value + (reserved?.value ?? 0)
  const from = used?.name ?? 'DCGM_FI_DEV_FB_USED'
  return shareOf(ratio(used?.value, total?.value ?? sum, { atMs: used?.timestampMs ?? atMs, from }))
}
