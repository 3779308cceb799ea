import { describe, expect, it } from 'vitest'
import { dcgmContainers, dcgmReplica, dcgmSampleNames } from './dcgm.ts'
import { readExposition } from './exposition.ts'
import { absent } from './signal.ts'

const AT_MS = 1_790_000_000_000

function read(text: string) {
  const { samples, problems } = readExposition(text, { wanted: dcgmSampleNames })
  expect(problems).toEqual([])
  return dcgmContainers(samples, AT_MS)
}

function labels(gpu: number, owner: string): string {
  return `gpu="${gpu}",UUID="GPU-${gpu}",pci_bus_id="00000000:00:0${gpu}.0",device="nvidia${gpu}",modelName="NVIDIA H100 80GB HBM3",Hostname="node-a",DCGM_FI_DRIVER_VERSION="550.90.07"${owner}`
}

const llama = ',container="kserve-container",namespace="ml-serving",pod="llama-00001-x"'

const node = `# HELP DCGM_FI_DEV_SM_CLOCK SM clock frequency (in MHz).
# TYPE DCGM_FI_DEV_SM_CLOCK gauge
DCGM_FI_DEV_SM_CLOCK{${labels(0, llama)}} 1980
# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).
# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{${labels(0, llama)}} 90
DCGM_FI_DEV_GPU_UTIL{${labels(1, llama)}} 50
DCGM_FI_DEV_GPU_UTIL{${labels(2, ',container="",namespace="",pod=""')}} 0
DCGM_FI_DEV_GPU_UTIL{${labels(3, '')}} 7
# HELP DCGM_FI_DEV_FB_FREE Framebuffer memory free (in MiB).
# TYPE DCGM_FI_DEV_FB_FREE gauge
DCGM_FI_DEV_FB_FREE{${labels(0, llama)}} 20000
DCGM_FI_DEV_FB_FREE{${labels(1, llama)}} 60000
# HELP DCGM_FI_DEV_FB_USED Framebuffer memory used (in MiB).
# TYPE DCGM_FI_DEV_FB_USED gauge
DCGM_FI_DEV_FB_USED{${labels(0, llama)}} 60000
DCGM_FI_DEV_FB_USED{${labels(1, llama)}} 20000
`

describe('DCGM exporter', () => {
  it('has the GPUs of each pod, averaged, and leaves out those of none', () => {
    const containers = read(node)
    expect(containers).toHaveLength(1)
    expect(dcgmReplica(containers, 'ml-serving/llama-00001-x')).toEqual({
      gpus: [
        {
          gpu: 'GPU-0',
          utilization: { value: 0.9, atMs: AT_MS, from: 'DCGM_FI_DEV_GPU_UTIL' },
          memory: { value: 0.75, atMs: AT_MS, from: 'DCGM_FI_DEV_FB_USED' },
        },
        {
          gpu: 'GPU-1',
          utilization: { value: 0.5, atMs: AT_MS, from: 'DCGM_FI_DEV_GPU_UTIL' },
          memory: { value: 0.25, atMs: AT_MS, from: 'DCGM_FI_DEV_FB_USED' },
        },
      ],
      utilization: { value: 0.7, atMs: AT_MS, from: 'mean of DCGM_FI_DEV_GPU_UTIL over 2 GPUs' },
      memory: { value: 0.5, atMs: AT_MS, from: 'mean of DCGM_FI_DEV_FB_USED over 2 GPUs' },
    })
  })

  it.each([
    ['of its older releases', ',pod_name="p",pod_namespace="n",container_name="c"'],
    [
      'behind a Prometheus',
      ',exported_pod="p",exported_namespace="n",exported_container="c",pod="dcgm-x",namespace="gpu",container="exporter"',
    ],
  ])('%s has other labels', (_, owner) => {
    const containers = read(`DCGM_FI_DEV_GPU_UTIL{${labels(0, owner)}} 40\n`)
    expect(containers.map(({ replica, container }) => [replica, container])).toEqual([['n/p', 'c']])
    expect(dcgmReplica(containers, 'n/p', 'c').utilization).toMatchObject({ value: 0.4 })
  })

  it('of its first release has other names', () => {
    const old = ',container_name="c",pod_name="p",pod_namespace="n"'
    const text = `dcgm_gpu_utilization{gpu="0",uuid="GPU-a"${old}} 30
dcgm_fb_used{gpu="0",uuid="GPU-a"${old}} 1
dcgm_fb_free{gpu="0",uuid="GPU-a"${old}} 3
`
    expect(dcgmReplica(read(text), 'n/p')).toMatchObject({
      gpus: [{ gpu: 'GPU-a' }],
      utilization: { value: 0.3 },
      memory: { value: 0.25 },
    })
  })

  it('has MIG instances each for itself, by how busy their engine is', () => {
    const mig = (id: number, pod: string): string =>
      labels(0, `,GPU_I_PROFILE="1g.10gb",GPU_I_ID="${id}",container="c",namespace="n",pod="${pod}"`)
    const text = `DCGM_FI_DEV_GPU_UTIL{${mig(7, 'a')}} 0
DCGM_FI_PROF_GR_ENGINE_ACTIVE{${mig(7, 'a')}} 0.995687
DCGM_FI_PROF_GR_ENGINE_ACTIVE{${mig(8, 'b')}} 0.25
DCGM_FI_DEV_FB_USED{${mig(7, 'a')}} 5000
DCGM_FI_DEV_FB_FREE{${mig(7, 'a')}} 5000
DCGM_FI_DEV_GPU_UTIL{${mig(9, 'c')}} 88
`
    const containers = read(text)
    expect(dcgmReplica(containers, 'n/a')).toMatchObject({
      gpus: [{ gpu: 'GPU-0/7' }],
      utilization: { value: 0.995687, from: 'DCGM_FI_PROF_GR_ENGINE_ACTIVE' },
      memory: { value: 0.5 },
    })
    expect(dcgmReplica(containers, 'n/b')).toMatchObject({
      utilization: { value: 0.25 },
      memory: { absent: 'not exported' },
    })
    expect(dcgmReplica(containers, 'n/c').utilization).toMatchObject({ absent: 'not exported' })
  })

  it('with what the driver reserves counts that as neither used nor free', () => {
    const owner = labels(0, llama)
    const text = `DCGM_FI_DEV_FB_USED{${owner}} 40\nDCGM_FI_DEV_FB_FREE{${owner}} 50\nDCGM_FI_DEV_FB_RESERVED{${owner}} 10\n`
    expect(dcgmReplica(read(text), 'ml-serving/llama-00001-x').memory).toMatchObject({ value: 0.4 })
  })

  it('without a number from one GPU takes the others, and from none says why', () => {
    const one = node.replace('} 90\n', '} NaN\n')
    expect(dcgmReplica(read(one), 'ml-serving/llama-00001-x').utilization).toMatchObject({ value: 0.5 })
    const none = one.replace('} 50\n', '} 500\n')
    expect(dcgmReplica(read(none), 'ml-serving/llama-00001-x').utilization).toEqual(
      absent('not a number', 'DCGM_FI_DEV_GPU_UTIL is NaN; a number is allowed'),
    )
  })

  it('takes the engine where the utilization is no number', () => {
    const text = `DCGM_FI_DEV_GPU_UTIL{${labels(0, llama)}} NaN\nDCGM_FI_PROF_GR_ENGINE_ACTIVE{${labels(0, llama)}} 0.6\n`
    expect(dcgmReplica(read(text), 'ml-serving/llama-00001-x').utilization).toMatchObject({ value: 0.6 })
  })

  it('that does not know a pod, or a container of it, says so', () => {
    expect(dcgmReplica(read(node), 'ml-serving/other').utilization).toEqual(
      absent('not exported', 'DCGM exporter names no GPU of ml-serving/other'),
    )
    expect(dcgmReplica(read(node), 'ml-serving/llama-00001-x', 'sidecar').memory).toEqual(
      absent('not exported', 'DCGM exporter names no GPU of container sidecar of ml-serving/llama-00001-x'),
    )
  })
})
