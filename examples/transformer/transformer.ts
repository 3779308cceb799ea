/** Named features in, names of species out: what stands between people and a model that speaks in numbers. */
import { asObject, HttpError, serve } from '../http-server.ts'
import { isCall, predict, readArgs, rowsOf } from './predictor.ts'

const species = ['setosa', 'versicolor', 'virginica']
const upstream = readArgs(process.argv.slice(2))

await serve(upstream.port, async (call) => {
  if (!isCall(call, upstream, 'predict')) return { name: upstream.modelName, ready: true }
  const { instances } = asObject(await call.json(), 'body')
  const classes = await predict(upstream, rowsOf(instances), call.headers)
  const predictions = classes.map((label) => {
    const name = species[label]
    if (name === undefined) throw new HttpError(502, `predictor: class ${label} has no name; known: 0 to 2`)
    return name
  })
  return { predictions }
})
