import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { post, startServer, type ChildServer } from '../child-server.ts'
import { listen, type Call } from '../http-server.ts'

const folder = import.meta.dirname
const iris = { sepal_length: 6.8, sepal_width: 2.8, petal_length: 4.8, petal_width: 1.4 }

describe('transformer and explainer before the iris model', () => {
  let model: ChildServer
  let transformer: ChildServer
  let explainer: ChildServer
  beforeAll(async () => {
    model = await startServer('server.ts', ['--port=0', '--model-name=iris'], `${folder}/../iris`)
    const args = ['--model_name', 'iris', '--predictor_host', new URL(model.url).host, '--http_port', '0']
    transformer = await startServer('transformer.ts', args, folder)
    explainer = await startServer('explainer.ts', args, folder)
  })
  afterAll(async () => {
    for (const server of [transformer, explainer, model]) await server.stop()
  })

  it('turns named features into the names of species', async () => {
    const setosa = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 }
    const virginica = { sepal_length: 6.3, sepal_width: 3.3, petal_length: 6.0, petal_width: 2.5 }
    const answer = await post(`${transformer.url}/v1/models/iris:predict`, {
      instances: [setosa, iris, virginica],
    })
    expect(answer).toEqual({ status: 200, text: '{"predictions":["setosa","versicolor","virginica"]}' })
  })

  it('names the feature that is missing', async () => {
    const { petal_width: _, ...rest } = iris
    const answer = await post(`${transformer.url}/v1/models/iris:predict`, { instances: [iris, rest] })
    const error = 'instances[1].petal_width: undefined; expected a number (cm)'
    expect(answer).toEqual({ status: 400, text: JSON.stringify({ error }) })
  })

  it('explains by asking the model, with the shares that scikit-learn gives for the same steps', async () => {
    const answer = await post(`${explainer.url}/v1/models/iris:explain`, { instances: [iris] })
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toEqual({
      explanations: [
        {
          prediction: 1,
          importance: { sepal_length: 0.375, sepal_width: 0, petal_length: 0.5, petal_width: 0.25 },
        },
      ],
    })
  })
})

it('keeps the path of the predictor, passes on who asks, and hands back its refusal', async () => {
  const calls: Call[] = []
  const { server, port } = await listen(0, (call) => {
    calls.push(call)
    return { predictions: [2] }
  })
  const predictor = `127.0.0.1:${port}/serving/ml-serving/iris-predictor`
  const args = ['--model_name', 'iris', '--predictor_host', predictor, '--http_port', '0']
  await using transformer = await startServer('transformer.ts', args, folder)
  const headers = { 'x-request-id': 'r-1', authorization: 'Bearer t', 'x-other': 'stays' }
  const answer = await post(`${transformer.url}/v1/models/iris:predict`, { instances: [iris] }, headers)
  expect(answer.text).toBe('{"predictions":["virginica"]}')
  expect(calls[0]?.path).toBe('/serving/ml-serving/iris-predictor/v1/models/iris:predict')
  expect(calls[0]?.headers).toMatchObject({ 'x-request-id': 'r-1', authorization: 'Bearer t' })
  expect(calls[0]?.headers).not.toHaveProperty('x-other')

  server.close()
  server.closeAllConnections()
  const refused = await post(`${transformer.url}/v1/models/iris:predict`, { instances: [iris] })
  expect(refused.status).toBe(502)
})
