import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { post, startServer, type ChildServer } from '../child-server.ts'

const folder = import.meta.dirname
/** What scikit-learn answered when train.py ran. */
const answersSchema = z.object({ predictions: z.array(z.int()).length(150) })
const expected = z
  .object({ rows: z.array(z.array(z.number())), model: answersSchema, 'model-v2': answersSchema })
  .parse(JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8')))

describe.each(['model', 'model-v2'] as const)('the iris server with %s', (modelDir) => {
  let server: ChildServer
  beforeAll(async () => {
    server = await startServer(
      'server.ts',
      ['--port=0', `--model-dir=${modelDir}`, '--model-name=iris'],
      folder,
    )
  })
  afterAll(async () => {
    await server.stop()
  })

  it('answers all 150 rows as scikit-learn does, over V1 and V2', async () => {
    const { rows } = expected
    const { predictions } = expected[modelDir]
    expect(new Set(predictions)).toEqual(new Set([0, 1, 2]))

    const v1 = await post(`${server.url}/v1/models/iris:predict`, { instances: rows })
    expect(JSON.parse(v1.text)).toEqual({ predictions })

    for (const datatype of ['FP32', 'FP64']) {
      const tensor = { name: 'X', datatype, shape: [rows.length, 4], data: rows.flat() }
      const v2 = await post(`${server.url}/v2/models/iris/infer`, { id: '7', inputs: [tensor] })
      expect(JSON.parse(v2.text)).toEqual({
        model_name: 'iris',
        id: '7',
        outputs: [
          { name: 'label', datatype: 'INT64', shape: [150], data: predictions },
          { name: 'scores', datatype: 'FP32', shape: [150, 3], data: expect.any(Array) },
        ],
      })
    }
  })

  it("answers KServe's two instances byte for byte", async () => {
    const instances = [
      [6.8, 2.8, 4.8, 1.4],
      [6.0, 3.4, 4.5, 1.6],
    ]
    const answer = await post(`${server.url}/v1/models/iris:predict`, { instances })
    expect(answer).toEqual({ status: 200, text: '{"predictions":[1,1]}' })
  })

  it.each([
    ['/v1/models', { models: ['iris'] }],
    ['/v1/models/iris', { name: 'iris', ready: true }],
    ['/v2/health/live', { live: true }],
    ['/v2/health/ready', { ready: true }],
    ['/v2/models/iris/ready', { name: 'iris', ready: true }],
  ])('GET %s', async (path, body) => {
    const response = await fetch(server.url + path)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual(body)
  })

  it.each([
    ['/v1/models/iris:predict', { instances: [[1, 2, 3]] }, 400, 'instances[0]: [1,2,3]; expected 4 numbers'],
    [
      '/v1/models/iris:predict',
      { rows: [] },
      400,
      'instances: undefined; expected a list of rows of 4 numbers',
    ],
    ['/v1/models/rose:predict', { instances: [] }, 404, 'model rose: not found; there is iris'],
    ['/v2/models/rose/infer', {}, 404, 'model rose: not found; there is iris'],
    ['/v2/models/iris/infer', { inputs: [] }, 400, 'inputs: []; expected a list of exactly one tensor'],
    ['/v1/models/iris', {}, 405, 'POST /v1/models/iris: not allowed; allowed: GET'],
  ])('POST %s of %j is refused with its reason', async (path, body, status, error) => {
    const answer = await post(server.url + path, body)
    expect({ ...answer, text: JSON.parse(answer.text) as unknown }).toEqual({ status, text: { error } })
  })
})

it('ends with 0 on SIGTERM', async () => {
  await using server = await startServer('server.ts', ['--port=0'], folder)
  expect(await server.stop()).toBe(0)
})
