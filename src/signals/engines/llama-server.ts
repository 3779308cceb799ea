import { counter, gauge, type EngineSpec } from '../engine-spec.ts'

/**
 * llama.cpp's server, with `--metrics`. Newer builds no longer say how full the cache is. The time between tokens is
 * what generating took over how many were generated; of the first token nothing is said.
 * Source: llama.cpp tools/server/README.md, GET /metrics.
 */
export const llamaServer: EngineSpec = {
  engine: 'llama-server',
  title: 'llama-server',
  prefixes: ['llamacpp:', 'llamacpp_'],
  words: /llama[-_]?(?:server|box)|llama[-_.]?cpp/i,
  metrics: { port: 8080, path: '/metrics', apart: false },
  running: [gauge('llamacpp:requests_processing')],
  runningMax: [],
  waiting: [gauge('llamacpp:requests_deferred')],
  kvCache: [gauge('llamacpp:kv_cache_usage_ratio', { across: 'mean' })],
  gpuUtilization: [],
  gpuMemory: [],
  timeToFirstToken: [],
  interToken: [
    {
      kind: 'counters',
      time: { name: 'llamacpp:tokens_predicted_seconds_total' },
      count: { name: 'llamacpp:tokens_predicted_total' },
      unitSeconds: 1,
    },
  ],
  queueWait: [],
  generatedTokens: [counter('llamacpp:tokens_predicted_total')],
  promptTokens: [counter('llamacpp:prompt_tokens_total')],
  requests: [],
}
