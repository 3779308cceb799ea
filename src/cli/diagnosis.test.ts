import { beforeEach, describe, expect, it, vi } from 'vitest'
import { SAMPLE_MS, sampleDecision, sampleSnapshot } from '../admin/fake-control-plane.ts'
import type { ExplainFiles } from './explain.ts'
import { FakeTerminal } from './fake-terminal.ts'

const cli = new FakeTerminal()

describe('why', () => {
  it('explains the last decisions in words', async () => {
    cli.plane.decisionsOf.set('ml/iris-predictor-00002', [
      sampleDecision(),
      sampleDecision({ mode: 'stable', replicas: 1, limits: [] }),
    ])
    const { out } = await cli.result('why iris-predictor-00002 -n ml')
    expect(out).toBe(
      `2023-11-14T22:13:18Z  panic: 6 replicas
    saw 14.2 requests at once in the stable window, 41 in the panic window
    aims at 7 per replica, 3 ready
    - stable window: 14.2 requests at once, target 7: asks for 3
    * panic window: 41 requests at once, target 7: asks for 6, and that counts
    limits: scale-up rate 2x, held by panic
2023-11-14T22:13:18Z  stable: 1 replica
    saw 14.2 requests at once in the stable window, 41 in the panic window
    aims at 7 per replica, 3 ready
    - stable window: 14.2 requests at once, target 7: asks for 3
    * panic window: 41 requests at once, target 7: asks for 6, and that counts
`,
    )
    const json = await cli.result('why iris-predictor-00002 -n ml --limit 1 -o json')
    expect(JSON.parse(json.out)).toEqual([sampleDecision({ mode: 'stable', replicas: 1, limits: [] })])
  })

  it('shows what each signal of another class says, and why one says nothing', async () => {
    const { inputs } = sampleDecision()
    cli.plane.decisionsOf.set('ml/iris-predictor-00002', [
      sampleDecision({
        class: 'llm',
        mode: 'stable',
        replicas: 4,
        limits: [],
        signals: [
          { name: 'kv cache', unit: 'of 1', value: 2.406, target: 0.8, proposal: 4, binding: true },
          { name: 'running', unit: 'requests', binding: false, reason: 'no engine reports it' },
        ],
        inputs: { ...inputs, starting: 1 },
      }),
    ])
    const { out } = await cli.result('why iris-predictor-00002 -n ml')
    expect(out).toBe(
      `2023-11-14T22:13:18Z  llm: 4 replicas
    saw 14.2 requests at once in the stable window, 41 in the panic window
    3 ready, 1 starting
    * kv cache: 2.41 of 1, target 0.8: asks for 4, and that counts
    - running: no value (no engine reports it): asks for nothing
`,
    )
  })

  it('fails for a revision that does not exist: a name is never completed', async () => {
    expect(await cli.result('why iris-predictor -n ml')).toMatchObject({
      code: 1,
      err: 'pilotlight: revision ml/iris-predictor does not exist\n',
    })
  })
})

describe('logs', () => {
  beforeEach(() => {
    for (const { name } of cli.plane.snapshot().replicas)
      cli.plane.logLines.set(name, [`start ${name}`, 'ready'])
  })

  it('prints the lines of one replica as they are', async () => {
    expect((await cli.result('logs iris-predictor-00001-aaaaa -n ml --tail 1')).out).toBe('ready\n')
    expect((await cli.result('logs iris-predictor-00001 -n ml')).out).toBe(
      'start ml/iris-predictor-00001-aaaaa\nready\n',
    )
  })

  it('names the replica before each line of several', async () => {
    const { out } = await cli.result('logs iris -n ml --tail 1')
    expect(out.split('\n').filter(Boolean).toSorted()[0]).toBe('[iris-predictor-00001-aaaaa] ready')
    expect(out.split('\n').filter(Boolean)).toHaveLength(7)
  })

  it('follows until interrupted', async () => {
    const { seen, finished, interrupt } = cli.start('logs iris-predictor-00001-aaaaa -n ml -f')
    await vi.waitFor(() => expect(seen.out).toContain(`seen at ${SAMPLE_MS}`))
    interrupt.abort()
    expect(await finished).toBe(0)
  })

  it('says that a sleeping revision has none, and that a replica is unknown', async () => {
    cli.plane.latest.set(sampleSnapshot({ replicas: [] }))
    expect((await cli.result('logs iris -n ml')).err).toContain('ml/iris has no replicas now')
    expect(await cli.result('logs nope -n ml')).toMatchObject({
      code: 1,
      err: 'pilotlight: replica ml/nope has no log\n',
    })
  })
})

describe('explain', () => {
  const row = {
    file: 'a.yaml',
    doc: '0',
    kind: 'InferenceService',
    name: 'iris',
    runtime: 'r',
    min: '',
    warnings: ['w1', 'w2'],
  }

  it('prints what each document becomes', async () => {
    const explainFiles: ExplainFiles = (files, { strict }) => [
      { ...row, verdict: `accept ${files.map(({ path, text }) => `${path} ${text}`).join()} ${strict}` },
    ]
    expect(await cli.result('explain -f - --strict', { stdin: 'kind: x', explainFiles })).toEqual({
      code: 0,
      out: 'InferenceService iris (a.yaml#0): accept - kind: x true\n  runtime    r\n  warnings   w1; w2\n',
      err: '',
    })
  })

  it('exits with 1 if any document is rejected', async () => {
    const explainFiles: ExplainFiles = () => [
      { ...row, verdict: 'accept' },
      { ...row, verdict: 'reject' },
    ]
    const { code, out, err } = await cli.result('explain -f - -o json', { explainFiles })
    expect([code, err]).toEqual([1, 'pilotlight: 1 of 2 documents rejected\n'])
    expect(JSON.parse(out)).toHaveLength(2)
  })
})
