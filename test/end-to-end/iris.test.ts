import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { repository, up, type Running } from './harness.ts'
import { load, statuses } from './load.ts'

const run = promisify(execFile)

describe('the iris example, as the README tells it', () => {
  let running: Running

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-e2e-'))
    running = await up({}, { folder, paths: [join(repository, 'examples', 'iris')] })
  })
  afterAll(() => running[Symbol.asyncDispose]())

  it('is ready soon', async () => {
    const { services } = await running.until(
      'both are ready',
      (snapshot) =>
        snapshot.services.length === 2 &&
        snapshot.services.every(({ status }) =>
          (status.conditions ?? []).some(
            (condition) => condition.type === 'Ready' && condition.status === 'True',
          ),
        ),
    )
    expect(services.map(({ metadata }) => metadata.name).sort()).toEqual(['iris-sleeper', 'sklearn-iris'])
  })

  it('answers the curl of the README with [1,1]', async () => {
    const got = await running.cli(
      'get',
      'inferenceservice',
      'sklearn-iris',
      '-n',
      'ml-serving',
      '-o',
      'jsonpath={.status.url}',
    )
    expect(got).toMatchObject({ code: 0, stderr: '' })
    expect(got.stdout).toMatch(/^http:\/\/sklearn-iris\.ml-serving\.localhost:\d+$/)
    const { stdout } = await run('curl', [
      '-sS',
      `${got.stdout}/v1/models/sklearn-iris:predict`,
      '-H',
      'Content-Type: application/json',
      '-d',
      '{"instances": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}',
    ])
    expect(stdout).toBe('{"predictions":[1,1]}')
  })

  it('gives other answers to other flowers', async () => {
    const answer = await running.predict('sklearn-iris.ml-serving', [
      [5.1, 3.5, 1.4, 0.2],
      [6.0, 2.9, 4.5, 1.5],
      [6.3, 3.3, 6.0, 2.5],
    ])
    expect(JSON.parse(answer.body)).toEqual({ predictions: [0, 1, 2] })
  })

  it('loses none of 200 requests at once to the sleeping service, and falls asleep again', async () => {
    const asleep = (name: string) =>
      running.until(
        `${name} sleeps`,
        (snapshot) =>
          snapshot.revisions.some(
            (revision) => revision.service === name && revision.ready === 'True' && revision.wanted === 0,
          ) && !snapshot.replicas.some((replica) => replica.revision.startsWith(name)),
      )
    await asleep('ml-serving/iris-sleeper')
    const none = await running.cli('get', 'replicas', '-n', 'ml-serving')
    expect(none.stdout).not.toContain('iris-sleeper')

    const result = await load({ count: 200, concurrency: 200 }, () =>
      running.predict('iris-sleeper.ml-serving', [[6.8, 2.8, 4.8, 1.4]]),
    )
    expect(statuses(result)).toEqual({ 200: 200 })
    expect(new Set(result.answers.map(({ body }) => body))).toEqual(new Set(['{"predictions":[1]}']))
    await asleep('ml-serving/iris-sleeper')
  })
})
