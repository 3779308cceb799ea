import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readConfig } from '../core/config.ts'
import { detectGpus, gpuCount, GpuLedger, type GpuLease } from './gpus.ts'

const never = new AbortController().signal

it('gives each replica its own GPUs', () => {
  const ledger = new GpuLedger(['0', '1', '2'])
  expect(ledger.tryTake(2)?.ids).toEqual(['0', '1'])
  expect(ledger.tryTake(1)?.ids).toEqual(['2'])
  expect(ledger.tryTake(1)).toBeUndefined()
  expect(ledger.tryTake(0)?.ids).toEqual([])
})

it('says what is short', () => {
  const ledger = new GpuLedger(['0', '1', '2', '3'])
  ledger.tryTake(3)
  expect(ledger.shortage(2)).toBe('needs 2 nvidia.com/gpu, 1 of 4 is free')
  expect(ledger.shortage(5)).toBe('needs 5 nvidia.com/gpu, 1 of 4 is free: more than this machine has')
  expect(new GpuLedger([]).shortage(1)).toContain('0 of 0 are free: this machine has no GPU')
})

it('gives a freed GPU to the oldest that waits, in the same turn', async () => {
  const ledger = new GpuLedger(['0', '1'])
  const first = ledger.tryTake(1)!
  const second = ledger.tryTake(1)!
  const order: string[] = []
  const wait = async (name: string, count: number): Promise<GpuLease> => {
    const lease = await ledger.take(count, never)
    order.push(name)
    return lease
  }
  const big = wait('big', 2)
  const small = wait('small', 1)
  first[Symbol.dispose]()
  expect(ledger.tryTake(1)).toBeUndefined()
  second[Symbol.dispose]()
  ;(await big)[Symbol.dispose]()
  expect((await small).ids).toHaveLength(1)
  expect(order).toEqual(['big', 'small'])
})

it('lets nobody wait behind one that can never be placed, or that went away', async () => {
  const ledger = new GpuLedger(['0', '1'])
  const held = ledger.tryTake(1)!
  const gone = new AbortController()
  const impossible = ledger.take(3, gone.signal)
  const leaving = ledger.take(2, gone.signal)
  const small = ledger.take(1, never)
  gone.abort(new Error('scaled down'))
  await expect(impossible).rejects.toThrow('scaled down')
  await expect(leaving).rejects.toThrow('scaled down')
  expect((await small).ids).toEqual(['1'])
  held[Symbol.dispose]()
  held[Symbol.dispose]()
  expect(ledger.tryTake(2)).toBeUndefined()
  expect(ledger.tryTake(1)?.ids).toEqual(['0'])
})

it.each([
  [{ limits: { 'nvidia.com/gpu': '2' }, requests: { 'nvidia.com/gpu': '1' } }, 2],
  [{ limits: {}, requests: { 'nvidia.com/gpu': '1' } }, 1],
  [{ limits: { cpu: '4' }, requests: {} }, 0],
])('reads %j as %i GPUs', (template, count) => {
  expect(gpuCount(template)).toBe(count)
})

it.each(['half', '0.5', '-1', ''])('refuses %j GPUs, naming field and value', (value) => {
  expect(() => gpuCount({ limits: { 'nvidia.com/gpu': value }, requests: {} })).toThrow(
    `resources.limits["nvidia.com/gpu"]: "${value}" is not allowed`,
  )
})

it('takes the GPUs from the configuration, from nvidia-smi, or none', async () => {
  const auto = readConfig({ local: { gpus: 'auto' } })
  expect(await detectGpus(readConfig({ local: { gpus: ['3', 'GPU-5'] } }))).toEqual(['3', 'GPU-5'])
  expect(await detectGpus(auto, '/nowhere/nvidia-smi')).toEqual([])
  const dir = await mkdtemp(join(tmpdir(), 'pilotlight-smi-'))
  try {
    const command = join(dir, 'nvidia-smi')
    await writeFile(command, '#!/bin/sh\n[ "$1" = --query-gpu=index ] && printf "0\\n1\\n"\n')
    await chmod(command, 0o755)
    expect(await detectGpus(auto, command)).toEqual(['0', '1'])
  } finally {
    await rm(dir, { recursive: true })
  }
})
