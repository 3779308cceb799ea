import { asObject, HttpError, show, type Call, type Handler } from '../http-server.ts'
import type { Model } from './model.ts'

/** KServe's V1 and V2 (Open Inference Protocol) REST over one model. */
export function protocols(name: string, model: Model): Handler {
  return (call) => {
    const [version, ...rest] = call.path.split('/').slice(1)
    if (version === 'v1') return v1(call, rest)
    if (version === 'v2') return v2(call, rest)
    if (call.path === '/') return { status: 'alive' }
    throw new HttpError(404, `path ${call.path}: not found; there are /v1/models and /v2`)
  }

  async function v1(call: Call, [models, rest, ...more]: string[]): Promise<unknown> {
    if (models !== 'models' || more.length > 0) throw new HttpError(404, `path ${call.path}: not found`)
    if (rest === undefined) return { models: [name] }
    const [asked, verb] = splitLast(rest, ':')
    known(asked)
    if (verb === undefined) return allow(call, 'GET', { name, ready: true })
    if (verb !== 'predict') throw new HttpError(404, `:${verb}: not found; allowed: :predict`)
    allow(call, 'POST', undefined)
    const { instances } = asObject(await call.json(), 'body')
    const { labels } = await model.predict(rowsOf(instances, 'instances'))
    return { predictions: labels }
  }

  async function v2(call: Call, [head, asked, verb, ...more]: string[]): Promise<unknown> {
    if (head === undefined) return { name: 'pilotlight-iris', version: '1', extensions: [] }
    if (head === 'health' && asked === 'live') return { live: true }
    if (head === 'health' && asked === 'ready') return { ready: true }
    if (head !== 'models' || asked === undefined || more.length > 0) {
      throw new HttpError(404, `path ${call.path}: not found`)
    }
    known(asked)
    if (verb === undefined) return allow(call, 'GET', metadata(name, model))
    if (verb === 'ready') return allow(call, 'GET', { name, ready: true })
    if (verb !== 'infer') throw new HttpError(404, `/${verb}: not found; allowed: /ready, /infer`)
    allow(call, 'POST', undefined)
    return infer(asObject(await call.json(), 'body'))
  }

  async function infer(body: Record<string, unknown>): Promise<unknown> {
    const { inputs, id } = body
    if (!Array.isArray(inputs) || inputs.length !== 1) {
      throw new HttpError(400, `inputs: ${show(inputs)}; expected a list of exactly one tensor`)
    }
    const { labels, scores, classes } = await model.predict(tensorRows(asObject(inputs[0], 'inputs[0]')))
    return {
      model_name: name,
      ...(typeof id === 'string' && { id }),
      outputs: [
        { name: 'label', datatype: 'INT64', shape: [labels.length], data: labels },
        { name: 'scores', datatype: 'FP32', shape: [labels.length, classes], data: scores },
      ],
    }
  }

  function tensorRows(tensor: Record<string, unknown>): Float32Array {
    const { datatype, shape, data } = tensor
    if (datatype !== 'FP32' && datatype !== 'FP64') {
      throw new HttpError(400, `inputs[0].datatype: ${show(datatype)}; allowed: FP32, FP64`)
    }
    const [rows, columns, ...more] = Array.isArray(shape) ? (shape as unknown[]) : []
    if (!Number.isInteger(rows) || Number(rows) < 1 || columns !== model.features || more.length > 0) {
      throw new HttpError(400, `inputs[0].shape: ${show(shape)}; expected [rows, ${model.features}]`)
    }
    const flat: unknown[] = Array.isArray(data) ? data.flat() : []
    if (flat.length !== Number(rows) * model.features || !flat.every(isNumber)) {
      throw new HttpError(
        400,
        `inputs[0].data: ${show(data)}; expected ${Number(rows) * model.features} numbers`,
      )
    }
    return Float32Array.from(flat)
  }

  function rowsOf(instances: unknown, field: string): Float32Array {
    if (!Array.isArray(instances) || instances.length === 0) {
      throw new HttpError(
        400,
        `${field}: ${show(instances)}; expected a list of rows of ${model.features} numbers`,
      )
    }
    const flat: number[] = []
    for (const [index, row] of (instances as unknown[]).entries()) {
      if (!Array.isArray(row) || row.length !== model.features || !row.every(isNumber)) {
        throw new HttpError(400, `${field}[${index}]: ${show(row)}; expected ${model.features} numbers`)
      }
      for (const value of row) flat.push(value)
    }
    return Float32Array.from(flat)
  }

  function known(asked: string): void {
    if (asked !== name) throw new HttpError(404, `model ${asked}: not found; there is ${name}`)
  }
}

function metadata(name: string, { features }: Model): unknown {
  return {
    name,
    platform: 'onnx',
    inputs: [{ name: 'X', datatype: 'FP32', shape: [-1, features] }],
    outputs: [
      { name: 'label', datatype: 'INT64', shape: [-1] },
      { name: 'scores', datatype: 'FP32', shape: [-1, 3] },
    ],
  }
}

function allow<T>({ method, path }: Call, allowed: 'GET' | 'POST', answer: T): T {
  if (method === allowed || (allowed === 'GET' && method === 'HEAD')) return answer
  throw new HttpError(405, `${method} ${path}: not allowed; allowed: ${allowed}`)
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}

function splitLast(text: string, mark: string): [string, string | undefined] {
  const at = text.lastIndexOf(mark)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
