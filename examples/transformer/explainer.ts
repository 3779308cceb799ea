/**
 * Which feature did the answer hang on? Each feature is moved in steps up to 60 % either way while the others stay;
 * its importance is the share of steps at which the model changed its mind. All steps of a request are one batch.
 */
import { asObject, serve } from '../http-server.ts'
import { features, isCall, predict, readArgs, rowsOf } from './predictor.ts'

const factors = [0.4, 0.55, 0.7, 0.85, 1.15, 1.3, 1.45, 1.6]
const upstream = readArgs(process.argv.slice(2))

await serve(upstream.port, async (call) => {
  if (!isCall(call, upstream, 'explain')) return { name: upstream.modelName, ready: true }
  const { instances } = asObject(await call.json(), 'body')
  const rows = rowsOf(instances)
  const batches = rows.map((row) => [row, ...perturbed(row)])
  const labels = await predict(upstream, batches.flat(), call.headers)

  // 1 row as it is + 4 features x 8 factors = 33 answers an instance.
  const answersEach = 1 + features.length * factors.length
  const explanations = rows.map((_, index) => {
    const [prediction, ...moved] = labels.slice(index * answersEach, (index + 1) * answersEach)
    const importance = features.map((feature, column) => {
      const answers = moved.slice(column * factors.length, (column + 1) * factors.length)
      return [feature, answers.filter((label) => label !== prediction).length / factors.length] as const
    })
    return { prediction, importance: Object.fromEntries(importance) }
  })
  return { explanations }
})

function perturbed(row: readonly number[]): number[][] {
  return row.flatMap((value, column) => factors.map((factor) => row.with(column, value * factor)))
}
