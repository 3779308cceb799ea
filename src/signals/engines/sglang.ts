import { counter, gauge, histogram, type EngineSpec } from '../engine-spec.ts'

/** Ranks of one scheduler say the same; `dp_rank` is not among them: each has requests of its own. */
const ranks = { copies: ['tp_rank', 'pp_rank', 'moe_ep_rank'], parts: 'priority' } as const

/**
 * SGLang, with `--enable-metrics`. With `priority` the counts are there in all and per priority.
 * Source: sglang docs/references/production_metrics.md.
 */
export const sglang: EngineSpec = {
  engine: 'sglang',
  title: 'SGLang',
  prefixes: ['sglang:', 'sglang_'],
  words: /sglang/i,
  metrics: { port: 30_000, path: '/metrics', apart: false },
  running: [gauge('sglang:num_running_reqs', ranks)],
  runningMax: [],
  waiting: [gauge('sglang:num_queue_reqs', ranks)],
  kvCache: [gauge('sglang:token_usage', { ...ranks, across: 'mean' })],
  gpuUtilization: [],
  gpuMemory: [],
  timeToFirstToken: [histogram('sglang:time_to_first_token_seconds')],
  interToken: [
    histogram('sglang:inter_token_latency_seconds'),
    histogram('sglang:time_per_output_token_seconds'),
  ],
  queueWait: [histogram('sglang:queue_time_seconds')],
  generatedTokens: [
    counter('sglang:generation_tokens_total'),
    { kind: 'gauge', series: { name: 'sglang:gen_throughput', ...ranks } },
  ],
  promptTokens: [counter('sglang:prompt_tokens_total')],
  requests: [counter('sglang:num_requests_total')],
}
