import { counter, gauge, histogram, type EngineSpec } from '../engine-spec.ts'

/**
 * vLLM, from the names of V0 on. With data parallelism there is a series for each `engine`; each has a cache of its own.
 * Source: vllm docs/design/metrics.md, vllm/v1/metrics/loggers.py.
 */
export const vllm: EngineSpec = {
  engine: 'vllm',
  title: 'vLLM',
  prefixes: ['vllm:', 'vllm_'],
  words: /vllm|huggingfaceserver/i,
  metrics: { port: 8000, path: '/metrics', apart: false },
  running: [gauge('vllm:num_requests_running')],
  runningMax: [],
  waiting: [gauge('vllm:num_requests_waiting')],
  kvCache: [
    gauge('vllm:kv_cache_usage_perc', { across: 'mean' }),
    gauge('vllm:gpu_cache_usage_perc', { across: 'mean' }),
  ],
  gpuUtilization: [],
  gpuMemory: [],
  timeToFirstToken: [histogram('vllm:time_to_first_token_seconds')],
  interToken: [
    histogram('vllm:inter_token_latency_seconds'),
    histogram('vllm:time_per_output_token_seconds'),
    histogram('vllm:request_time_per_output_token_seconds'),
  ],
  queueWait: [histogram('vllm:request_queue_time_seconds')],
  generatedTokens: [
    counter('vllm:generation_tokens_total'),
    { kind: 'gauge', series: { name: 'vllm:avg_generation_throughput_toks_per_s' } },
  ],
  promptTokens: [
    counter('vllm:prompt_tokens_total'),
    { kind: 'gauge', series: { name: 'vllm:avg_prompt_throughput_toks_per_s' } },
  ],
  requests: [counter('vllm:request_success_total')],
}
