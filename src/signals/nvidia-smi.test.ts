import { describe, expect, it } from 'vitest'
import { gpusOfSmi, processesOfSmi, smiReplica } from './nvidia-smi.ts'
import { absent } from './signal.ts'

const AT_MS = 1_790_000_000_000

const gpuText = `0, GPU-5fd4f087-86f3-7a43-b711-4771313afc50, 37, 40337, 81559
1, GPU-4d1c2617-649d-40f1-9430-2c9ab3297b79, 100, 20000, 80000
2, GPU-aaaaaaaa-0000-0000-0000-000000000000, [N/A], 0, 80000
`
const processText = `GPU-5fd4f087-86f3-7a43-b711-4771313afc50, 4242, 40320
GPU-4d1c2617-649d-40f1-9430-2c9ab3297b79, 4242, 10000
GPU-4d1c2617-649d-40f1-9430-2c9ab3297b79, 4300, 9000
`

function world() {
  return { gpus: gpusOfSmi(gpuText, AT_MS).gpus, processes: processesOfSmi(processText).processes }
}

describe('nvidia-smi', () => {
  it('prints a GPU a line', () => {
    const { gpus, problems } = gpusOfSmi(gpuText, AT_MS)
    expect(problems).toEqual([])
    expect(gpus.map(({ index, utilization, memory }) => [index, utilization, memory])).toEqual([
      [
        0,
        { value: 0.37, atMs: AT_MS, from: 'nvidia-smi utilization.gpu' },
        { value: 40337 / 81559, atMs: AT_MS, from: 'nvidia-smi memory.used' },
      ],
      [1, expect.objectContaining({ value: 1 }), expect.objectContaining({ value: 0.25 })],
      [
        2,
        absent('not exported', 'nvidia-smi utilization.gpu is [N/A]; with MIG it is not measured'),
        expect.objectContaining({ value: 0 }),
      ],
    ])
  })

  it('names lines that it cannot be', () => {
    const text = `NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.
0, GPU-a, 12, 1, 2, 3
x, GPU-a, 12, 1, 2\r

1, GPU-b, 12, 1, 2\r
`
    const { gpus, problems } = gpusOfSmi(text, AT_MS)
    expect(gpus.map(({ gpu }) => gpu)).toEqual(['GPU-b'])
    expect(problems).toEqual([
      {
        line: 1,
        problem: `"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver." has 1 fields; 5 are allowed, with commas`,
      },
      { line: 2, problem: '"0, GPU-a, 12, 1, 2, 3" has 6 fields; 5 are allowed, with commas' },
      { line: 3, problem: 'the index is "x"; a whole number is allowed' },
    ])
    expect(gpusOfSmi('No devices were found\n', AT_MS)).toEqual({ gpus: [], problems: [] })
  })

  it('prints a process a line, and names lines that it cannot be', () => {
    expect(processesOfSmi('GPU-a, 12, [N/A]\nGPU-a, -1, 5\n, 12, 5\n')).toEqual({
      processes: [{ gpu: 'GPU-a', pid: 12, usedMiB: undefined }],
      problems: [
        { line: 2, problem: 'the pid is "-1"; a whole number is allowed' },
        { line: 3, problem: 'the uuid of the GPU is empty' },
      ],
    })
  })
})

describe('the GPUs of a replica', () => {
  it('are those on which one of its processes runs', () => {
    const own = smiReplica(world(), new Set([4000, 4242]))
    expect(own.gpus).toHaveLength(2)
    expect(own.utilization).toEqual({
      value: 0.685,
      atMs: AT_MS,
      from: 'mean of nvidia-smi utilization.gpu over 2 GPUs',
    })
    expect(own.ownMemory).toEqual({ value: 50320 / 161559, atMs: AT_MS, from: 'nvidia-smi used_memory' })
    expect(smiReplica(world(), new Set([4300]))).toMatchObject({
      utilization: { value: 1 },
      memory: { value: 0.25 },
      ownMemory: { value: 0.1125 },
    })
  })

  it('are none where none of its processes is on one', () => {
    const none = absent('not exported', 'nvidia-smi shows none of its processes on a GPU')
    expect(smiReplica(world(), new Set([1]))).toEqual({
      gpus: [],
      utilization: none,
      memory: none,
      ownMemory: none,
    })
  })

  it('have no own memory where the driver does not say', () => {
    const { processes } = processesOfSmi('GPU-5fd4f087-86f3-7a43-b711-4771313afc50, 12, [N/A]\n')
    const own = smiReplica({ gpus: world().gpus, processes }, new Set([12]))
    expect(own.utilization).toMatchObject({ value: 0.37 })
    expect(own.ownMemory).toMatchObject({ absent: 'not exported' })
  })
})
