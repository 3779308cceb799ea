import { counter, percent, type EngineSpec } from '../engine-spec.ts'

/**
 * TorchServe, with `metrics_mode=prometheus`. It counts no requests in execution nor waiting: the time spent says how
 * many they are. What it says of GPUs is a minute old at times.
 * Source: serve docs/metrics.md, docs/metrics_api.md.
 */
export const torchserve: EngineSpec = {
  engine: 'torchserve',
  title: 'TorchServe',
  prefixes: ['ts_'],
  words: /torch-?serve/i,
  metrics: { port: 8082, path: '/metrics', apart: true },
  running: [
    { kind: 'time-spent', series: [{ name: 'ts_inference_latency_microseconds' }], unitSeconds: 1e-6 },
  ],
  runningMax: [],
  waiting: [{ kind: 'time-spent', series: [{ name: 'ts_queue_latency_microseconds' }], unitSeconds: 1e-6 }],
  kvCache: [],
  gpuUtilization: [percent('GPUUtilization', { across: 'mean' })],
  gpuMemory: [percent('GPUMemoryUtilization', { across: 'mean' })],
  timeToFirstToken: [],
  interToken: [],
  queueWait: [
    {
      kind: 'counters',
      time: { name: 'ts_queue_latency_microseconds' },
      count: { name: 'ts_inference_requests_total' },
      unitSeconds: 1e-6,
    },
  ],
  generatedTokens: [],
  promptTokens: [],
  requests: [counter('ts_inference_requests_total')],
}
