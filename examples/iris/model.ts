import module from 'node:module'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What the model answers to a batch of rows. */
export interface Answers {
  /** The class of each row: 0 setosa, 1 versicolor, 2 virginica. */
  readonly labels: number[]
  /** Scores of each row, flat, `classes` to a row: probabilities of model/, decision values of model-v2/. */
  readonly scores: number[]
  readonly classes: number
}

export interface Model {
  readonly features: number
  /** Rows flat, `features` numbers to a row. */
  predict(rows: Float32Array): Promise<Answers>
}

/** Loads `model.onnx` from a folder. Rejects when it is missing or takes something else than rows of numbers. */
export async function loadModel(dir: string): Promise<Model> {
  // Compiled JavaScript is kept between starts; a cold start is what this example is about.
  module.enableCompileCache()
  const [ort, bytes] = await Promise.all([import('onnxruntime-web'), readFile(join(dir, 'model.onnx'))])
  // More threads cost a worker each at start-up and gain nothing on four numbers a row.
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'
  const session = await ort.InferenceSession.create(bytes)

  const input = session.inputMetadata[0]
  if (input?.isTensor !== true || input.type !== 'float32' || input.shape.length !== 2) {
    throw new Error(`${dir}/model.onnx: the first input is no float32 tensor of shape [rows, features]`)
  }
  const features = Number(input.shape[1])
  const predict = async (rows: Float32Array): Promise<Answers> => {
    const tensor = new ort.Tensor('float32', rows, [rows.length / features, features])
    const { label, probabilities } = await session.run({ [input.name]: tensor })
    if (label === undefined || probabilities === undefined) {
      throw new Error(
        `${dir}/model.onnx: outputs are ${session.outputNames.join(', ')}; expected label, probabilities`,
      )
    }
    return {
      labels: Array.from(label.data, Number),
      scores: Array.from(probabilities.data, Number),
      classes: Number(probabilities.dims[1]),
    }
  }
  // The runtime compiles a function when it is first called: better now than in somebody's request.
  await predict(new Float32Array(features))
  return { features, predict }
}
