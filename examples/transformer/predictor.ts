import type { IncomingHttpHeaders } from 'node:http'
import { parseArgs } from 'node:util'
import { asObject, asPort, HttpError, show, type Call } from '../http-server.ts'

/** What KServe tells a transformer or an explainer: `--model_name X --predictor_host H --http_port P`. */
export interface Upstream {
  readonly modelName: string
  /** Host, port and perhaps a path: `127.0.0.1:8080/serving/ml-serving/iris-predictor`. */
  readonly predictorHost: string
  readonly port: number
}

export function readArgs(args: readonly string[]): Upstream {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model_name: { type: 'string' },
      predictor_host: { type: 'string' },
      http_port: { type: 'string', default: '8080' },
    },
  })
  const { model_name: modelName, predictor_host: predictorHost, http_port: port } = values
  if (modelName === undefined) throw new Error('--model_name: missing; expected the name of the model')
  if (predictorHost === undefined) throw new Error('--predictor_host: missing; expected host:port[/path]')
  return { modelName, predictorHost, port: asPort(port, '--http_port') }
}

/** Who asks and which trace it belongs to go along; everything else is between this process and the predictor. */
const forwarded = ['x-request-id', 'traceparent', 'tracestate', 'authorization'] as const

/**
 * The predictor's classes for rows of numbers.
 * @throws HttpError with the predictor's own status and message, or 502 when it cannot be reached or understood.
 */
export async function predict(
  { modelName, predictorHost }: Upstream,
  instances: readonly (readonly number[])[],
  headers: IncomingHttpHeaders,
): Promise<number[]> {
  const url = `http://${predictorHost}/v1/models/${encodeURIComponent(modelName)}:predict`
  const sent = new Headers({ 'content-type': 'application/json' })
  for (const name of forwarded) {
    const value = headers[name]
    if (typeof value === 'string') sent.set(name, value)
  }
  const body = JSON.stringify({ instances })
  const response = await fetch(url, { method: 'POST', headers: sent, body }).catch((cause: unknown) => {
    throw new HttpError(502, `predictor ${url}: ${String(cause)}`)
  })
  const text = await response.text()
  if (!response.ok) throw new HttpError(response.status, `predictor: ${text}`)
  const { predictions } = asObject(JSON.parse(text), 'the predictor’s answer')
  if (!Array.isArray(predictions) || predictions.length !== instances.length) {
    throw new HttpError(502, `predictor: predictions are ${show(predictions)}; expected ${instances.length}`)
  }
  return predictions.map(Number)
}

/** The order in which the model takes its features, in centimetres. */
export const features = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width'] as const

/** Named features to rows. Throws HttpError 400 naming the instance and the feature. */
export function rowsOf(instances: unknown): number[][] {
  if (!Array.isArray(instances) || instances.length === 0) {
    throw new HttpError(400, `instances: ${show(instances)}; expected a list of {${features.join(', ')}}`)
  }
  return instances.map((instance: unknown, index) => {
    const fields = asObject(instance, `instances[${index}]`)
    return features.map((feature) => {
      const value = fields[feature]
      if (typeof value === 'number') return value
      throw new HttpError(400, `instances[${index}].${feature}: ${show(value)}; expected a number (cm)`)
    })
  })
}

/** Answers `GET /v1/models/{m}`; gives back true for `POST /v1/models/{m}:{verb}`, and throws 404 for the rest. */
export function isCall({ method, path }: Call, { modelName }: Upstream, verb: string): boolean {
  if (method === 'POST' && path === `/v1/models/${modelName}:${verb}`) return true
  if (method === 'GET' && path === `/v1/models/${modelName}`) return false
  throw new HttpError(404, `${method} ${path}: not found; there is POST /v1/models/${modelName}:${verb}`)
}
