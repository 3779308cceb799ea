import { describe, expect, it } from 'vitest'
import { ENGINES } from './engine-spec.ts'
import { engineOf, engineSampleNames, engineSpec, type EngineHints } from './engines.ts'

describe('the engine of a replica', () => {
  it.each<[EngineHints, string, string]>([
    [
      { annotations: { 'pilotlight.dev/engine': 'sglang' }, image: 'vllm/vllm-openai' },
      'sglang',
      'pilotlight.dev/engine',
    ],
    [{ labels: { 'llm-d.ai/engine-type': 'trtllm-serve' } }, 'tensorrt-llm', 'llm-d.ai/engine-type'],
    [{ labels: { 'llm-d.ai/engine-type': 'triton-tensorrt-llm' } }, 'triton', 'llm-d.ai/engine-type'],
    [{ runtime: 'kserve-tritonserver', image: 'registry.example/inference:1' }, 'triton', 'runtime'],
    [{ runtime: 'kserve-huggingfaceserver' }, 'vllm', 'runtime'],
    [{ runtime: 'mine', image: 'nvcr.io/nvidia/tritonserver:25.01-vllm-python-py3' }, 'triton', 'image'],
    [{ image: 'nvcr.io/nvidia/tensorrt-llm/release:1.0' }, 'tensorrt-llm', 'image'],
    [{ image: 'ghcr.io/huggingface/text-generation-inference:3.3' }, 'tgi', 'image'],
    [{ image: 'pytorch/torchserve-kfs' }, 'torchserve', 'image'],
    [{ image: 'lmsysorg/sglang:v0.5' }, 'sglang', 'image'],
    [{ image: 'ghcr.io/ggml-org/llama.cpp:server-cuda' }, 'llama-server', 'image'],
    [{ image: 'vllm/vllm-openai:v0.11' }, 'vllm', 'image'],
    [{ command: ['python3', '-m', 'vllm.entrypoints.openai.api_server'] }, 'vllm', 'command'],
    [{ command: ['llama-server'], args: ['-m', 'vllm.gguf'] }, 'llama-server', 'command'],
  ])('%o is %s', (hints, engine, by) => expect(engineOf(hints)).toEqual({ engine, by }))

  it('is unknown where nothing says it, whatever the model is called', () => {
    expect(engineOf({})).toBeUndefined()
    expect(
      engineOf({
        runtime: 'kserve-sklearnserver',
        command: ['python', 'server.py', '--model', 'vllm-tuned'],
      }),
    ).toBeUndefined()
  })

  it('that there is none of is a problem', () => {
    expect(engineOf({ annotations: { 'pilotlight.dev/engine': 'ollama' } })).toEqual({
      problem: `pilotlight.dev/engine is "ollama"; ${ENGINES.join(', ')} are allowed`,
    })
  })
})

describe('engines', () => {
  it.each(ENGINES)('%s has its metrics among the names that are read, and begin as it says', (engine) => {
    const { prefixes } = engineSpec(engine)
    expect([...engineSampleNames].some((name) => prefixes.some((prefix) => name.startsWith(prefix)))).toBe(
      true,
    )
  })

  it('read histograms by their samples, with both spellings', () => {
    for (const prefix of ['vllm:', 'vllm_']) {
      for (const suffix of ['_bucket', '_sum', '_count']) {
        expect(engineSampleNames.has(`${prefix}time_to_first_token_seconds${suffix}`)).toBe(true)
      }
    }
    expect(engineSampleNames.has('vllm:time_to_first_token_seconds')).toBe(false)
  })
})
