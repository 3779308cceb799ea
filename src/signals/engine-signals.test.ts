import { describe, expect, it } from 'vitest'
import {
  absentEngineSignals,
  engineSignals,
  freshEngineSignals,
  type EngineSignals,
} from './engine-signals.ts'
import { snapshotOf, type EngineSnapshot } from './engine-snapshot.ts'
import type { EngineName } from './engine-spec.ts'
import { engineSampleNames } from './engines.ts'
import { readExposition } from './exposition.ts'
import { absent, isPresent, valueOf, type Signal } from './signal.ts'

const START_MS = 1_790_000_000_000

function scrape(text: string, second = 0, expected?: EngineName): EngineSnapshot {
  const { samples, problems } = readExposition(text, { wanted: engineSampleNames })
  expect(problems).toEqual([])
  return snapshotOf(samples, { atMs: START_MS + second * 1000, expected })
}

/** The signals of two scrapes ten seconds apart. */
function between(before: string, now: string): EngineSignals {
  return engineSignals({ before: scrape(before, 0), now: scrape(now, 10) })
}

function numbers(signals: EngineSignals): Record<string, number | string> {
  const number = (signal: Signal): number | string =>
    isPresent(signal) ? Number(signal.value.toPrecision(6)) : signal.absent
  return {
    running: number(signals.running),
    waiting: number(signals.waiting),
    kvCache: number(signals.kvCache),
    gpu: number(signals.gpuUtilization),
    gpuMemory: number(signals.gpuMemory),
    ttft: number(signals.timeToFirstToken.mean),
    ttftP90: number(signals.timeToFirstToken.p90),
    itl: number(signals.interToken.mean),
    itlP50: number(signals.interToken.p50),
    queueWait: number(signals.queueWait.mean),
    generated: number(signals.generatedTokensPerSecond),
    prompt: number(signals.promptTokensPerSecond),
    requests: number(signals.requestsPerSecond),
  }
}

/** A histogram as clients of Prometheus write it. */
function histogram(
  name: string,
  labels: string,
  buckets: Readonly<Record<string, number>>,
  sum: number,
): string {
  const comma = labels === '' ? '' : `${labels},`
  const rows = Object.entries(buckets).map(([le, count]) => `${name}_bucket{${comma}le="${le}"} ${count}.0`)
  const braces = labels === '' ? '' : `{${labels}}`
  const count = Object.values(buckets).at(-1)
  return `# HELP ${name} Histogram.\n# TYPE ${name} histogram\n${rows.join('\n')}\n${name}_count${braces} ${count}.0\n${name}_sum${braces} ${sum}\n`
}

const vllmLabels = 'engine="0",model_name="meta-llama/Llama-3.1-8B-Instruct"'

function vllmNow(values: {
  run: number
  wait: number
  kv: string
  generated: number
  first: number[]
  sum: number
}): string {
  const [a = 0, b = 0, c = 0] = values.first
  return `# HELP python_gc_objects_collected_total Objects collected during gc
# TYPE python_gc_objects_collected_total counter
python_gc_objects_collected_total{generation="0"} 12673.0
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{${vllmLabels}} ${values.run}.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{${vllmLabels}} ${values.wait}.0
# HELP vllm:kv_cache_usage_perc KV-cache usage. 1 means 100 percent usage.
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{${vllmLabels}} ${values.kv}
# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="27898"} 1.0
vllm:prompt_tokens_total{${vllmLabels}} ${values.generated * 4}.0
vllm:generation_tokens_total{${vllmLabels}} ${values.generated}.0
vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} ${values.generated / 100}
vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 3.0
${histogram('vllm:time_to_first_token_seconds', vllmLabels, { '0.1': a, '0.2': b, '0.5': c, '+Inf': c }, values.sum)}
${histogram('vllm:inter_token_latency_seconds', vllmLabels, { '0.01': a, '0.025': c, '+Inf': c }, values.sum / 10)}
${histogram('vllm:request_queue_time_seconds', vllmLabels, { '0.3': c, '+Inf': c }, values.sum / 5)}`
}

describe('vLLM', () => {
  const before = vllmNow({ run: 9, wait: 1, kv: '0.4', generated: 1000, first: [100, 100, 100], sum: 10 })
  const now = vllmNow({ run: 12, wait: 7, kv: '0.8352', generated: 6000, first: [140, 190, 200], sum: 25 })

  it('says all that it measures', () => {
    const signals = between(before, now)
    expect(signals.engine).toBe('vllm')
    expect(numbers(signals)).toEqual({
      running: 12,
      waiting: 7,
      kvCache: 0.8352,
      gpu: 'not exported',
      gpuMemory: 'not exported',
      ttft: 0.15,
      // 100 observed: 40 up to 0.1, 90 up to 0.2.
      ttftP90: 0.2,
      itl: 0.015,
      itlP50: 0.0125,
      queueWait: 0.03,
      generated: 500,
      prompt: 2000,
      requests: 5,
    })
    expect(signals.running).toEqual({ value: 12, atMs: START_MS + 10_000, from: 'vllm:num_requests_running' })
    expect(signals.gpuMemory).toEqual(absent('not exported', 'vLLM exports no GPU memory'))
    expect(signals.timeToFirstToken.observed).toEqual({
      bounds: [0.1, 0.2, 0.5],
      counts: [40, 90, 100, 100],
      sum: 15,
    })
  })

  it('has levels in its first scrape, and rates in its second', () => {
    const signals = engineSignals({ now: scrape(now) })
    expect(numbers(signals)).toMatchObject({
      running: 12,
      kvCache: 0.8352,
      ttft: 'one scrape so far',
      generated: 'one scrape so far',
    })
  })

  it('that starts anew has no rates once, and then again', () => {
    const anew = vllmNow({ run: 1, wait: 0, kv: '0.01', generated: 40, first: [2, 2, 2], sum: 1 })
    const later = vllmNow({ run: 1, wait: 0, kv: '0.01', generated: 140, first: [4, 4, 4], sum: 2 })
    expect(numbers(between(now, anew))).toMatchObject({
      running: 1,
      ttft: 'counter went back',
      ttftP90: 'counter went back',
      generated: 'counter went back',
      requests: 'counter went back',
    })
    expect(engineSignals({ before: scrape(now, 0), now: scrape(anew, 10) }).generatedTokensPerSecond).toEqual(
      absent('counter went back', 'vllm:generation_tokens_total went from 6000 back to 40'),
    )
    expect(numbers(between(anew, later))).toMatchObject({ ttft: 0.5, generated: 10 })
  })

  it('that is idle has counted nothing', () => {
    expect(numbers(between(now, now))).toMatchObject({
      ttft: 'nothing counted',
      ttftP90: 'nothing counted',
      itl: 'nothing counted',
      generated: 0,
      requests: 0,
    })
  })

  it('with other buckets than before says so', () => {
    const other = now.replaceAll('le="0.2"', 'le="0.25"')
    expect(numbers(between(before, other))).toMatchObject({ ttft: 'series changed', generated: 500 })
  })

  it('of V0 has its older names', () => {
    const v0 = `vllm:num_requests_running{model_name="m"} 3.0
vllm:num_requests_waiting{model_name="m"} 0.0
vllm:num_requests_swapped{model_name="m"} 0.0
vllm:gpu_cache_usage_perc{model_name="m"} 0.25
vllm:cpu_cache_usage_perc{model_name="m"} 0.0
vllm:avg_generation_throughput_toks_per_s{model_name="m"} 87.5
${histogram('vllm:time_per_output_token_seconds', 'model_name="m"', { '0.05': 0, '+Inf': 0 }, 0)}`
    expect(numbers(engineSignals({ now: scrape(v0) }))).toMatchObject({
      running: 3,
      waiting: 0,
      kvCache: 0.25,
      itl: 'one scrape so far',
      generated: 87.5,
    })
  })

  it('is found with _ for its colon', () => {
    const same = (text: string): string => text.replaceAll('vllm:', 'vllm_')
    expect(numbers(between(same(before), same(now)))).toEqual(numbers(between(before, now)))
  })

  it('with both names of a value takes the new one, and the old one where that is no number', () => {
    const both = (kv: string): EngineSignals =>
      engineSignals({ now: scrape(`vllm:kv_cache_usage_perc ${kv}\nvllm:gpu_cache_usage_perc 0.5\n`) })
    expect(both('0.9').kvCache).toMatchObject({ value: 0.9, from: 'vllm:kv_cache_usage_perc' })
    expect(both('NaN').kvCache).toMatchObject({ value: 0.5, from: 'vllm:gpu_cache_usage_perc' })
  })

  it('with several engines adds requests up and averages caches', () => {
    const ranks = `vllm:num_requests_running{engine="0"} 4
vllm:num_requests_running{engine="1"} 6
vllm:kv_cache_usage_perc{engine="0"} 0.2
vllm:kv_cache_usage_perc{engine="1"} 0.6
`
    expect(numbers(engineSignals({ now: scrape(ranks) }))).toMatchObject({ running: 10, kvCache: 0.4 })
  })

  it.each([
    ['NaN', absent('not a number', 'vllm:kv_cache_usage_perc is NaN; a number is allowed')],
    ['+Inf', absent('not a number', 'vllm:kv_cache_usage_perc is +Inf; a number is allowed')],
    ['87.5', absent('out of range', 'vllm:kv_cache_usage_perc is 87.5; a share from 0 to 1 is allowed')],
    ['-0.1', absent('out of range', 'vllm:kv_cache_usage_perc is -0.1; a share from 0 to 1 is allowed')],
  ])('with a cache use of %s has none', (kv, reason) => {
    expect(engineSignals({ now: scrape(`vllm:kv_cache_usage_perc ${kv}\n`) }).kvCache).toEqual(reason)
  })

  it('a hair above full is full', () => {
    expect(valueOf(engineSignals({ now: scrape('vllm:kv_cache_usage_perc 1.0001\n') }).kvCache)).toBe(1)
  })

  it('keeps the time that a sample says itself', () => {
    const { running } = engineSignals({ now: scrape(`vllm:num_requests_running 5 ${START_MS - 40_000}\n`) })
    expect(running).toMatchObject({ value: 5, atMs: START_MS - 40_000 })
  })
})

describe('SGLang', () => {
  const sglang = (
    queue: number,
    tokens: number,
    seen: number,
  ): string => `# HELP sglang:num_running_reqs The number of running requests.
# TYPE sglang:num_running_reqs gauge
sglang:num_running_reqs{engine_type="unified",model_name="qwen",pp_rank="0",tp_rank="0"} 16.0
sglang:num_running_reqs{engine_type="unified",model_name="qwen",pp_rank="0",tp_rank="1"} 16.0
sglang:num_queue_reqs{model_name="qwen",pp_rank="0",tp_rank="0",priority=""} ${queue}.0
sglang:num_queue_reqs{model_name="qwen",pp_rank="0",tp_rank="0",priority="1"} 1.0
sglang:num_queue_reqs{model_name="qwen",pp_rank="0",tp_rank="0",priority="2"} ${queue - 1}.0
sglang:token_usage{model_name="qwen",tp_rank="0"} 0.28
sglang:gen_throughput{model_name="qwen",tp_rank="0"} 86.50814177726902
sglang:prompt_tokens_total{model_name="qwen"} 8.128902e+06
sglang:generation_tokens_total{model_name="qwen"} ${tokens}
${histogram('sglang:time_to_first_token_seconds', 'model_name="qwen"', { '0.3': seen / 2, '0.6': seen, '+Inf': seen }, seen * 0.3)}
${histogram('sglang:time_per_output_token_seconds', 'model_name="qwen"', { '0.02': seen, '+Inf': seen }, seen * 0.01)}`

  it('counts each rank of a group once, and the whole beside its parts once', () => {
    expect(numbers(between(sglang(3, 7e6, 100), sglang(5, 7.001e6, 200)))).toMatchObject({
      running: 16,
      waiting: 5,
      kvCache: 0.28,
      ttft: 0.3,
      ttftP90: 0.54,
      itl: 0.01,
      generated: 100,
      prompt: 0,
    })
  })

  it('has the throughput that it measures itself until there are two scrapes', () => {
    const { generatedTokensPerSecond } = engineSignals({ now: scrape(sglang(3, 7e6, 100)) })
    expect(generatedTokensPerSecond).toMatchObject({
      value: 86.50814177726902,
      from: 'sglang:gen_throughput',
    })
  })

  it('adds up ranks that have requests of their own, and has a throughput in its first scrape', () => {
    const ranks = `sglang:num_running_reqs{dp_rank="0",tp_rank="0"} 4
sglang:num_running_reqs{dp_rank="0",tp_rank="1"} 4
sglang:num_running_reqs{dp_rank="1",tp_rank="2"} 2
sglang:num_running_reqs{dp_rank="1",tp_rank="3"} 2
sglang:gen_throughput{dp_rank="0",tp_rank="0"} 40
sglang:gen_throughput{dp_rank="1",tp_rank="2"} 30
`
    expect(numbers(engineSignals({ now: scrape(ranks) }))).toMatchObject({ running: 6, generated: 70 })
  })
})

describe('TGI', () => {
  const tgi = (waited: number, generated: number): string => `# TYPE tgi_batch_current_size gauge
tgi_batch_current_size 4
# TYPE tgi_queue_size gauge
tgi_queue_size 7
# TYPE tgi_batch_current_max_tokens gauge
tgi_batch_current_max_tokens 2048
# TYPE tgi_request_success counter
tgi_request_success ${generated / 100}
${histogram('tgi_request_queue_duration', '', { '0.1': waited, '+Inf': waited }, waited * 0.05)}
${histogram('tgi_batch_inference_duration', 'method="prefill"', { '0.1': waited, '+Inf': waited }, waited * 0.2)}
${histogram('tgi_batch_inference_duration', 'method="decode"', { '0.1': waited, '+Inf': waited }, waited * 9)}
${histogram('tgi_request_mean_time_per_token_duration', '', { '0.02': waited, '0.04': waited, '+Inf': waited }, waited * 0.015)}
${histogram('tgi_request_generated_tokens', '', { '128': waited, '+Inf': waited }, generated)}`

  it('has a time to the first token that is put together, and no use of its cache', () => {
    const signals = between(tgi(10, 1000), tgi(30, 3000))
    expect(numbers(signals)).toMatchObject({
      running: 4,
      waiting: 7,
      kvCache: 'not exported',
      ttft: 0.25,
      ttftP90: 'not exported',
      itl: 0.015,
      itlP50: 0.01,
      queueWait: 0.05,
      generated: 200,
      requests: 2,
    })
    expect(signals.timeToFirstToken.mean).toMatchObject({
      from: 'mean of tgi_request_queue_duration + tgi_batch_inference_duration{method="prefill"}',
    })
  })
})

describe('Triton', () => {
  const triton = (
    count: number,
    pending = 'nv_inference_pending_request_count{model="bert",version="1"} 4',
  ): string =>
    `# HELP nv_inference_request_success Number of successful inference requests, all batch sizes
# TYPE nv_inference_request_success counter
nv_inference_request_success{model="bert",version="1"} ${count}
nv_inference_request_success{model="resnet",version="1"} 0
nv_inference_request_failure{model="bert",reason="OTHER",version="1"} 0
# TYPE nv_inference_queue_duration_us counter
nv_inference_queue_duration_us{model="bert",version="1"} ${count * 20_000}
nv_inference_compute_input_duration_us{model="bert",version="1"} ${count * 1_000}
nv_inference_compute_infer_duration_us{model="bert",version="1"} ${count * 38_000}
nv_inference_compute_output_duration_us{model="bert",version="1"} ${count * 1_000}
${pending}
# TYPE nv_gpu_utilization gauge
nv_gpu_utilization{gpu_uuid="GPU-a1"} 0.93
nv_gpu_utilization{gpu_uuid="GPU-b2"} 0.53
nv_gpu_memory_total_bytes{gpu_uuid="GPU-a1"} 85899345920
nv_gpu_memory_total_bytes{gpu_uuid="GPU-b2"} 85899345920
nv_gpu_memory_used_bytes{gpu_uuid="GPU-a1"} 64424509440
nv_gpu_memory_used_bytes{gpu_uuid="GPU-b2"} 21474836480
`

  it('tells from the time spent how many requests it works on', () => {
    // 1000 requests in 10 s of 40 ms each: 4 at once.
    const signals = between(triton(5000), triton(6000))
    expect(numbers(signals)).toMatchObject({
      running: 4,
      waiting: 4,
      kvCache: 'not exported',
      gpu: 0.73,
      gpuMemory: 0.5,
      ttft: 'not exported',
      queueWait: 0.02,
      requests: 100,
    })
    expect(numbers(engineSignals({ now: scrape(triton(5000)) }))).toMatchObject({
      running: 'one scrape so far',
      waiting: 4,
      gpu: 0.73,
    })
  })

  it('of older releases tells from the time spent how many wait', () => {
    expect(numbers(between(triton(5000, ''), triton(6000, '')))).toMatchObject({ waiting: 2 })
  })

  it('has first answers where their histogram is on, in ms', () => {
    const more = (seen: number): string =>
      histogram(
        'nv_inference_first_response_histogram_ms',
        'model="llm",version="1"',
        { '100': seen, '500': seen, '+Inf': seen },
        seen * 50,
      )
    expect(numbers(between(triton(1) + more(0), triton(1) + more(10)))).toMatchObject({
      ttft: 0.05,
      ttftP90: 0.09,
    })
  })

  it("with TensorRT-LLM has that one's numbers", () => {
    const trtllm = `nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="waiting",version="1"} 3
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="context",version="1"} 1
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="scheduled",version="1"} 8
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="max",version="1"} 512
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="active",version="1"} 11
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="tokens_per",model="tensorrt_llm",version="1"} 64
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="used",model="tensorrt_llm",version="1"} 2000
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",model="tensorrt_llm",version="1"} 0.6
`
    const signals = engineSignals({ now: scrape(triton(5000) + trtllm) })
    expect(numbers(signals)).toMatchObject({ running: 8, waiting: 3, kvCache: 0.6, gpu: 0.73 })
    expect(valueOf(signals.runningMax)).toBe(512)
  })

  it("with vLLM inside is Triton, and has vLLM's numbers", () => {
    const inside =
      'vllm:num_requests_running{model="m",version="1"} 3\nvllm:gpu_cache_usage_perc{model="m"} 0.7\n'
    const signals = engineSignals({ now: scrape(triton(5000) + inside) })
    expect(signals.engine).toBe('triton')
    expect(numbers(signals)).toMatchObject({ running: 3, kvCache: 0.7, gpu: 0.73 })
  })

  it('without memory has no share of it', () => {
    const none = 'nv_gpu_utilization 0\nnv_gpu_memory_total_bytes 0\nnv_gpu_memory_used_bytes 0\n'
    expect(engineSignals({ now: scrape(none) }).gpuMemory).toMatchObject({ absent: 'out of range' })
  })
})

describe('trtllm-serve', () => {
  it('says what TensorRT-LLM measures', () => {
    const labels = 'model_name="llama",engine_type="trtllm"'
    const trtllm = (seen: number): string => `trtllm_num_requests_running{${labels}} 6
trtllm_num_requests_waiting{${labels}} 2
trtllm_kv_cache_utilization{${labels}} 0.41
trtllm_request_success_total{${labels},finished_reason="end_id"} ${seen}
${histogram('trtllm_time_to_first_token_seconds', labels, { '0.1': seen, '+Inf': seen }, seen * 0.08)}
${histogram('trtllm_time_per_output_token_seconds', labels, { '0.02': seen, '+Inf': seen }, seen * 0.01)}
${histogram('trtllm_request_queue_time_seconds', labels, { '0.02': seen, '+Inf': seen }, 0)}`
    expect(numbers(between(trtllm(10), trtllm(30)))).toMatchObject({
      running: 6,
      waiting: 2,
      kvCache: 0.41,
      ttft: 0.08,
      ttftP90: 0.09,
      itl: 0.01,
      queueWait: 0,
      requests: 2,
      generated: 'not exported',
    })
  })
})

describe('TorchServe', () => {
  const torchserve = (
    requests: number,
  ): string => `# HELP ts_inference_requests_total Torchserve prometheus counter metric with unit: Count
# TYPE ts_inference_requests_total counter
ts_inference_requests_total{model_name="mnist",model_version="default",hostname="pod",} ${requests}.0
# TYPE ts_inference_latency_microseconds counter
ts_inference_latency_microseconds{model_name="mnist",model_version="default",hostname="pod",} ${requests * 25_000}.0
ts_queue_latency_microseconds{model_name="mnist",model_version="default",hostname="pod",} ${requests * 5_000}.0
# TYPE GPUUtilization gauge
GPUUtilization{Level="Host",DeviceId="0",Hostname="pod",} 64.0
GPUUtilization{Level="Host",DeviceId="1",Hostname="pod",} 36.0
GPUMemoryUtilization{Level="Host",DeviceId="0",Hostname="pod",} 80.5
# TYPE QueueTime gauge
QueueTime{Level="Host",Hostname="pod",} 0.0
`

  it('has percents, and tells from the time spent how many requests there are', () => {
    expect(numbers(between(torchserve(1000), torchserve(2000)))).toMatchObject({
      running: 2.5,
      waiting: 0.5,
      gpu: 0.5,
      gpuMemory: 0.805,
      queueWait: 0.005,
      requests: 100,
      ttft: 'not exported',
    })
  })
})

describe('llama-server', () => {
  const llama = (
    tokens: number,
  ): string => `# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed.
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total ${tokens * 2}
# HELP llamacpp:tokens_predicted_total Number of generation tokens processed.
# TYPE llamacpp:tokens_predicted_total counter
llamacpp:tokens_predicted_total ${tokens}
# HELP llamacpp:tokens_predicted_seconds_total Predict process time
# TYPE llamacpp:tokens_predicted_seconds_total counter
llamacpp:tokens_predicted_seconds_total ${tokens / 50}
# HELP llamacpp:predicted_tokens_seconds Average generation throughput in tokens/s.
# TYPE llamacpp:predicted_tokens_seconds gauge
llamacpp:predicted_tokens_seconds 49.9
# HELP llamacpp:requests_processing Number of requests processing.
# TYPE llamacpp:requests_processing gauge
llamacpp:requests_processing 4
# HELP llamacpp:requests_deferred Number of requests deferred.
# TYPE llamacpp:requests_deferred gauge
llamacpp:requests_deferred 46
`

  it('has the time between tokens as a mean', () => {
    const signals = between(llama(1000), llama(1500))
    expect(numbers(signals)).toMatchObject({
      running: 4,
      waiting: 46,
      kvCache: 'not exported',
      ttft: 'not exported',
      itl: 0.02,
      itlP50: 'not exported',
      generated: 50,
      prompt: 100,
      requests: 'not exported',
    })
    expect(numbers(between(llama(1000), llama(1000)))).toMatchObject({ itl: 'nothing counted', generated: 0 })
  })

  it('of older builds says how full the cache is', () => {
    expect(numbers(engineSignals({ now: scrape('llamacpp:kv_cache_usage_ratio 0.125\n') }))).toMatchObject({
      kvCache: 0.125,
    })
  })
})

describe('a scrape', () => {
  it('of no engine that is known says so', () => {
    const signals = engineSignals({ now: scrape('process_cpu_seconds_total 12.5\nGPUUtilization 3\n') })
    expect(signals.engine).toBeUndefined()
    expect(signals.running).toEqual(absent('engine unknown', 'the metrics are of no engine that is known'))
  })

  it('without a metric of the engine that was expected names what is missing', () => {
    const signals = engineSignals({ now: scrape('process_cpu_seconds_total 12.5\n', 0, 'vllm') })
    expect(signals.engine).toBe('vllm')
    expect(signals.waiting).toEqual(absent('not exported', 'vLLM exports no number of waiting requests'))
  })

  it('of another engine than expected is read as what it is', () => {
    expect(scrape('sglang:num_queue_reqs 1\n', 0, 'vllm').engine).toBe('sglang')
    expect(scrape('vllm:num_requests_running 1\nnv_gpu_utilization 0\n', 0, 'vllm').engine).toBe('vllm')
  })

  it('is compared with none of another engine', () => {
    const before = scrape('sglang:generation_tokens_total 10\n', 0)
    const now = scrape('vllm:generation_tokens_total 20\n', 10)
    expect(engineSignals({ before, now }).generatedTokensPerSecond).toMatchObject({
      absent: 'one scrape so far',
    })
  })

  it('of the same moment gives no rate', () => {
    const [before, now] = [
      scrape('vllm:generation_tokens_total 10\n', 5),
      scrape('vllm:generation_tokens_total 20\n', 5),
    ]
    expect(engineSignals({ before, now }).generatedTokensPerSecond).toMatchObject({
      absent: 'one scrape so far',
    })
  })

  it('survives JSON, and gives the same signals after it', () => {
    const before = scrape('vllm:generation_tokens_total 10\nvllm:kv_cache_usage_perc NaN\n', 0)
    const now = scrape('vllm:generation_tokens_total 20\nvllm:kv_cache_usage_perc NaN\n', 10)
    const copy = (snapshot: EngineSnapshot): EngineSnapshot => JSON.parse(JSON.stringify(snapshot))
    expect(engineSignals({ before: copy(before), now: copy(now) })).toEqual(engineSignals({ before, now }))
    expect(copy(now)).toEqual(now)
  })
})

describe('signals that get old', () => {
  it('are stale, each by its own time', () => {
    const signals = between(
      vllmNow({ run: 1, wait: 0, kv: '0.1', generated: 0, first: [0, 0, 0], sum: 0 }),
      vllmNow({ run: 1, wait: 0, kv: '0.1', generated: 100, first: [1, 1, 1], sum: 0.1 }),
    )
    expect(freshEngineSignals(signals, START_MS + 15_000, 5_000)).toEqual(signals)
    const late = freshEngineSignals(signals, START_MS + 15_001, 5_000)
    expect(new Set(Object.values(numbers(late)))).toEqual(new Set(['stale', 'not exported']))
    expect(late.running).toEqual(
      absent('stale', 'vllm:num_requests_running is 5001 ms old; 5000 ms are allowed'),
    )
    expect(late.timeToFirstToken.observed).toBeUndefined()
  })

  it('of what was never scraped are absent for that reason', () => {
    const reason = absent('not scraped', 'connection refused')
    const signals = absentEngineSignals(reason, 'vllm')
    expect(new Set(Object.values(numbers(signals)))).toEqual(new Set(['not scraped']))
    expect(freshEngineSignals(signals, START_MS, 1)).toEqual(signals)
  })
})
