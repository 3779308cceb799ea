import { counter, gauge, histogram, type EngineSpec } from '../engine-spec.ts'

/**
 * trtllm-serve, TensorRT-LLM's own server; behind Triton it is an engine of that one.
 * Source: TensorRT-LLM tensorrt_llm/metrics, and the names that llm-d's endpoint picker reads.
 */
export const tensorrtLlm: EngineSpec = {
  engine: 'tensorrt-llm',
  title: 'TensorRT-LLM',
  prefixes: ['trtllm_', 'trtllm:'],
  words: /trtllm|tensorrt-?llm/i,
  metrics: { port: 8000, path: '/prometheus/metrics', apart: false },
  running: [gauge('trtllm_num_requests_running')],
  runningMax: [],
  waiting: [gauge('trtllm_num_requests_waiting')],
  kvCache: [gauge('trtllm_kv_cache_utilization', { across: 'mean' })],
  gpuUtilization: [],
  gpuMemory: [],
  timeToFirstToken: [histogram('trtllm_time_to_first_token_seconds')],
  interToken: [histogram('trtllm_time_per_output_token_seconds')],
  queueWait: [histogram('trtllm_request_queue_time_seconds')],
  generatedTokens: [],
  promptTokens: [],
  requests: [counter('trtllm_request_success_total')],
}
