import { counter, gauge, histogram, type EngineSpec } from '../engine-spec.ts'
import { vllm } from './vllm.ts'

const requestMetrics = 'nv_trt_llm_request_metrics'

/**
 * Triton, with its TensorRT-LLM and vLLM backends, whose metrics stand beside its own. Durations are microseconds
 * summed up since the start. Requests in execution are not counted; the time spent on them says how many they are.
 * Source: triton-inference-server docs/user_guide/metrics.md, tensorrtllm_backend README.
 */
export const triton: EngineSpec = {
  engine: 'triton',
  title: 'Triton',
  prefixes: ['nv_'],
  words: /triton/i,
  metrics: { port: 8002, path: '/metrics', apart: true },
  running: [
    gauge(requestMetrics, { where: { request_type: 'scheduled' } }),
    ...vllm.running,
    {
      kind: 'time-spent',
      series: [
        { name: 'nv_inference_compute_input_duration_us' },
        { name: 'nv_inference_compute_infer_duration_us' },
        { name: 'nv_inference_compute_output_duration_us' },
      ],
      unitSeconds: 1e-6,
    },
  ],
  runningMax: [gauge(requestMetrics, { where: { request_type: 'max' } })],
  waiting: [
    gauge(requestMetrics, { where: { request_type: 'waiting' } }),
    ...vllm.waiting,
    gauge('nv_inference_pending_request_count'),
    {
      kind: 'time-spent',
      series: [{ name: 'nv_inference_queue_duration_us' }],
      unitSeconds: 1e-6,
    },
  ],
  kvCache: [
    gauge('nv_trt_llm_kv_cache_block_metrics', {
      where: { kv_cache_block_type: 'fraction' },
      across: 'mean',
    }),
    ...vllm.kvCache,
  ],
  gpuUtilization: [gauge('nv_gpu_utilization', { across: 'mean' })],
  gpuMemory: [
    {
      kind: 'ratio',
      part: { name: 'nv_gpu_memory_used_bytes' },
      whole: [{ name: 'nv_gpu_memory_total_bytes' }],
    },
  ],
  timeToFirstToken: [histogram('nv_inference_first_response_histogram_ms', 0.001), ...vllm.timeToFirstToken],
  interToken: [...vllm.interToken],
  queueWait: [
    {
      kind: 'counters',
      time: { name: 'nv_inference_queue_duration_us' },
      count: { name: 'nv_inference_request_success' },
      unitSeconds: 1e-6,
    },
  ],
  generatedTokens: [...vllm.generatedTokens],
  promptTokens: [...vllm.promptTokens],
  requests: [counter('nv_inference_request_success')],
}
