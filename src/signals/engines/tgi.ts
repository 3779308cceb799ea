import { counter, gauge, histogram, type EngineSpec } from '../engine-spec.ts'

/**
 * Text Generation Inference. It says nothing of its cache, and has no time to the first token: that is what waiting
 * and prefill take on average, and no quantile.
 * Source: text-generation-inference docs/source/reference/metrics.md.
 */
export const tgi: EngineSpec = {
  engine: 'tgi',
  title: 'TGI',
  prefixes: ['tgi_'],
  words: /text-generation|(?<![a-z])tgi(?![a-z])/i,
  metrics: { port: 80, path: '/metrics', apart: false },
  running: [gauge('tgi_batch_current_size')],
  runningMax: [],
  waiting: [gauge('tgi_queue_size')],
  kvCache: [],
  gpuUtilization: [],
  gpuMemory: [],
  timeToFirstToken: [
    {
      kind: 'steps',
      steps: [
        { name: 'tgi_request_queue_duration' },
        { name: 'tgi_batch_inference_duration', where: { method: 'prefill' } },
      ],
    },
  ],
  interToken: [histogram('tgi_request_mean_time_per_token_duration')],
  queueWait: [histogram('tgi_request_queue_duration')],
  generatedTokens: [counter('tgi_request_generated_tokens_sum')],
  promptTokens: [counter('tgi_request_input_length_sum')],
  requests: [counter('tgi_request_success')],
}
