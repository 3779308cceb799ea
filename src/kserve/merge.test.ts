import { describe, expect, it } from 'vitest'

import { containerOf, imageFor, mergeContainers, mergeSidecars } from './merge.ts'

describe('mergeContainers', () => {
  it('merges maps and lists by their keys and appends arguments', () => {
    const merged = mergeContainers(
      {
        name: 'kserve-container',
        image: 'server:1',
        command: ['serve'],
        args: ['--a'],
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
        resources: { limits: { cpu: '1', memory: '2Gi' } },
        readinessProbe: { httpGet: { path: '/ready' }, periodSeconds: 5 },
      },
      {
        args: ['--b'],
        env: [
          { name: 'B', value: '3' },
          { name: 'C', value: '4' },
        ],
        resources: { limits: { cpu: '4' }, requests: { memory: '1Gi' } },
        readinessProbe: { periodSeconds: 1 },
      },
    )
    expect(merged).toMatchObject({
      name: 'kserve-container',
      image: 'server:1',
      command: ['serve'],
      args: ['--a', '--b'],
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '3' },
        { name: 'C', value: '4' },
      ],
      resources: { limits: { cpu: '4', memory: '2Gi' }, requests: { memory: '1Gi' } },
      readinessProbe: { httpGet: { path: '/ready' }, periodSeconds: 1 },
    })
  })
})

describe('mergeContainers, of what only Kubernetes can use', () => {
  it('keeps the mounts of the runtime beside those of the service, and merges security settings', () => {
    const merged = mergeContainers(
      {
        name: 'c',
        volumeMounts: [
          { name: 'devshm', mountPath: '/dev/shm' },
          { name: 'a', mountPath: '/cache' },
        ],
        securityContext: { runAsUser: 1, readOnlyRootFilesystem: true },
      },
      { volumeMounts: [{ name: 'b', mountPath: '/cache' }], securityContext: { runAsUser: 2 } },
    )
    expect(merged).toMatchObject({
      volumeMounts: [
        { name: 'devshm', mountPath: '/dev/shm' },
        { name: 'b', mountPath: '/cache' },
      ],
      securityContext: { runAsUser: 2, readOnlyRootFilesystem: true },
    })
  })
})

describe('mergeSidecars', () => {
  it('merges those of one name, and takes the others as they are', () => {
    const merged = mergeSidecars(
      [{ name: 'log', image: 'l', args: ['-a'] }, { name: 'other' }],
      [{ name: 'log', args: ['-b'] }, { name: 'own' }, { image: 'unnamed' }],
    )
    expect(merged).toMatchObject([
      { name: 'log', image: 'l', args: ['-a', '-b'] },
      { name: 'other' },
      { name: 'own' },
      { image: 'unnamed' },
    ])
  })
})

describe('containerOf', () => {
  it('leaves out what only a model has', () => {
    const container = containerOf({ modelFormat: { name: 'a' }, storageUri: 'gs://x', args: ['--b'] })
    expect(container).toEqual({ args: ['--b'] })
  })
})

describe('imageFor', () => {
  const gpu = { limits: { 'nvidia.com/gpu': 1 } }

  it.each([
    ['runtimeVersion replaces the tag', { image: 'a/b:1' }, '2', 'a/b:2'],
    ['runtimeVersion adds a tag', { image: 'host:5000/b' }, '2', 'host:5000/b:2'],
    [
      'a GPU chooses the GPU build',
      { image: 'tensorflow/serving:2.6', resources: gpu },
      undefined,
      'tensorflow/serving:2.6-gpu',
    ],
    ['other servers have one build', { image: 'a/b:1', resources: gpu }, undefined, 'a/b:1'],
    [
      'vLLM without a GPU has its own image',
      { image: 'vllm/vllm-openai:v1' },
      undefined,
      'vllm/vllm-openai-cpu:v1',
    ],
    [
      'vLLM with a GPU stays',
      { image: 'vllm/vllm-openai:v1', resources: gpu },
      undefined,
      'vllm/vllm-openai:v1',
    ],
  ])('%s', (_, container, version, image) => {
    expect(imageFor(container, version)).toBe(image)
  })
})
