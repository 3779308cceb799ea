import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Decision } from '../../src/core/decision.ts'
import { up, type Running } from '../end-to-end/harness.ts'
import { folderOf } from './cache.ts'
import type { Run, Suite } from './suite.ts'
import { tools } from './tools.ts'

const SERVICE = 'llm'
const REVISION = `${SERVICE}-predictor-00001`
const TOKENS = 400
/** What one replica generates at once; more wait within it. */
const SLOTS = 1

/** llama.cpp's own server, scaled on what it says of itself. */
export const scaling: Suite = {
  name: 'scaling',
  title: 'llama-server, scaled on its own metrics',
  tools: [tools.openai, tools.llamaServer, tools.tinyModel],
  programs: ['python3', 'cmake', 'make', 'c++', 'openssl'],
  async run({ direct, report }: Run) {
    if (direct) {
      report.note('there is nothing to scale without the gateway')
      return
    }
    await using running = await up({
      'pilotlight.yaml': JSON.stringify({
        metrics: { periodMs: 500 },
        autoscaler: { 'allow-zero-initial-scale': 'true' },
      }),
      'service.yaml': JSON.stringify(manifest()),
    })
    let streams: Stream[] = []
    await report.check('the first request wakes it, is held, and streams', async () => {
      const stream = await Stream.open(running)
      streams.push(stream)
      assert.equal(stream.status, 200)
      await stream.first
    })
    await report.check('saturation makes 1 replica 3', async () => {
      streams = [...streams, ...(await openedAtOnce(running, 11))]
      await replicas(running, 3)
      return await bindingAt(running, 3)
    })
    await report.check('every stream comes to its end, with what was used', async () => {
      const texts = await Promise.all(streams.map((stream) => stream.text))
      for (const text of texts) {
        assert.match(text, /data: \[DONE\]\s*$/)
        assert.match(text, /"usage":\s*\{[^}]*"completion_tokens":\s*\d+/)
      }
      return `${texts.length} streams`
    })
    await report.check('the tokens of every answer are counted', async () => {
      const metrics = await (await fetch(new URL('/metrics', running.admin))).text()
      const counted = /^pilotlight_tokens_total\{[^}]*kind="generated"[^}]*\} (\d+)$/m.exec(metrics)?.[1]
      assert.equal(counted, String(12 * TOKENS))
      return counted
    })
    await report.check('nobody asks any more: 3 replicas become 1', () => replicas(running, 1))
    await report.check('the decisions name what the engine said', async () => {
      const names = new Set((await why(running)).flatMap(({ signals }) => signals.map(({ name }) => name)))
      assert.ok(names.has('waiting') && names.has('running'), [...names].join(', '))
      return [...names].join(', ')
    })
  },
}

function manifest(): object {
  const server = join(folderOf(tools.llamaServer), 'llama-server')
  const model = join(folderOf(tools.tinyModel), 'tiny.gguf')
  const options = ['--threads', '1', '--parallel', String(SLOTS), '--metrics', '--slots']
  const container = {
    name: 'kserve-container',
    image: 'none',
    command: [server, '--host', '127.0.0.1', '--port', '{{.Port}}', '--model', model, ...options],
    readinessProbe: { httpGet: { path: '/health' } },
  }
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: {
      name: SERVICE,
      namespace: 'default',
      annotations: {
        'autoscaling.knative.dev/initial-scale': '0',
        'pilotlight.dev/policy': 'llm',
        'pilotlight.dev/llm-waiting-target': '2',
        'pilotlight.dev/llm-scale-down-delay': '4s',
      },
    },
    spec: { predictor: { minReplicas: 0, maxReplicas: 3, containers: [container] } },
  }
}

/** An answer that arrives piece by piece. */
class Stream {
  readonly status: number
  readonly first: Promise<void>
  readonly text: Promise<string>

  private constructor(response: Response) {
    const began = Promise.withResolvers<void>()
    this.status = response.status
    this.first = began.promise
    this.text = (async () => {
      let text = ''
      const decoder = new TextDecoder()
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk, { stream: true })
        began.resolve()
      }
      return text
    })()
    this.text.catch(began.reject)
  }

  static async open(running: Running): Promise<Stream> {
    const response = await fetch(
      new URL(`/serving/default/${SERVICE}/v1/chat/completions`, running.gateway),
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          messages: [{ role: 'user', content: 'say something' }],
          max_tokens: TOKENS,
          ignore_eos: true,
          stream: true,
          stream_options: { include_usage: true },
        }),
      },
    )
    return new Stream(response)
  }
}

function openedAtOnce(running: Running, count: number): Promise<Stream[]> {
  return Promise.all(Array.from({ length: count }, () => Stream.open(running)))
}

async function replicas(running: Running, count: number): Promise<void> {
  await running.until(`${count} replicas are ready`, (snapshot) => {
    return snapshot.replicas.length === count && snapshot.replicas.every(({ phase }) => phase === 'ready')
  })
}

async function why(running: Running): Promise<readonly Decision[]> {
  const { code, stdout, stderr } = await running.cli('why', REVISION, '--output', 'json')
  assert.equal(code, 0, stderr)
  const decisions: Decision[] = JSON.parse(stdout)
  return decisions
}

async function bindingAt(running: Running, count: number): Promise<string> {
  const decision = (await why(running)).find((each) => each.replicas === count)
  return `by ${decision?.signals.find(({ binding }) => binding)?.name ?? 'nothing'}`
}
