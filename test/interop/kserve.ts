import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { ask } from '../end-to-end/harness.ts'
import { folderOf } from './cache.ts'
import { must, run as runCommand } from './command.ts'
import { customService, startGateway } from './gateway.ts'
import { freePort, Peer } from './peer.ts'
import { reportChecks } from './python-checks.ts'
import type { Report } from './report.ts'
import type { Run, Suite } from './suite.ts'
import { goTool, pythonOf, scriptFile, tools } from './tools.ts'

const MODEL = 'iris'
const ROWS = [
  [6.8, 2.8, 4.8, 1.4],
  [6.0, 3.4, 4.5, 1.6],
]
const LABELS = [1, 1]

/** KServe's own server, a replica that speaks REST on one port and gRPC on another, asked by plain clients and by KServe's. */
export const kserve: Suite = {
  name: 'kserve',
  title: "KServe's model server: V1, V2 and the Open Inference Protocol over gRPC",
  tools: [tools.goTools, tools.kserve, tools.irisModel],
  programs: ['go', 'python3', 'openssl'],
  async run({ direct, report, scratch }: Run) {
    await using servers = direct ? await startServer() : await startThroughGateway(scratch)
    await overRest(servers, report)
    await overGrpc(servers, report)
    await reportChecks(
      pythonOf(tools.kserve),
      [
        scriptFile('kserve_client.py'),
        '--model',
        MODEL,
        '--rest',
        `http://127.0.0.1:${servers.restPort}`,
        '--grpc',
        `127.0.0.1:${servers.grpcPort}`,
        ...(direct ? [] : ['--rest-host', servers.restHost, '--grpc-host', servers.grpcHost]),
      ],
      { report },
    )
    if (!direct) await overTls(servers, report)
    if (!direct) await byMetadata(servers, report)
  },
}

interface Servers extends AsyncDisposable {
  readonly restPort: number
  readonly restHost: string
  readonly grpcPort: number
  readonly grpcHost: string
  readonly tlsPort?: number
  readonly caFile?: string
}

function serverCommand(ports: { http: string; grpc: string }): string[] {
  const python = [pythonOf(tools.kserve), '-B', '-W', 'ignore', scriptFile('iris_server.py')]
  const model = ['--model_name', MODEL, '--model_file', join(folderOf(tools.irisModel), 'model.joblib')]
  return [...python, ...model, '--http_port', ports.http, '--grpc_port', ports.grpc]
}

async function startServer(): Promise<Servers> {
  const restPort = await freePort()
  const grpcPort = await freePort()
  const [file = '', ...args] = serverCommand({ http: `${restPort}`, grpc: `${grpcPort}` })
  const peer = await Peer.start(file, args, { ports: [restPort, grpcPort] })
  const [restHost, grpcHost] = [`127.0.0.1:${restPort}`, `127.0.0.1:${grpcPort}`]
  return { restPort, restHost, grpcPort, grpcHost, [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose]() }
}

async function startThroughGateway(scratch: string): Promise<Servers> {
  const service = customService(MODEL, {
    command: serverCommand({ http: '{{.Port}}', grpc: '{{.GrpcPort}}' }),
    readyPath: `/v2/models/${MODEL}/ready`,
  })
  const gateway = await startGateway([service], { scratch })
  const host = `${MODEL}.default.localhost`
  return {
    restPort: gateway.plainPort,
    restHost: host,
    grpcPort: gateway.plainPort,
    grpcHost: host,
    tlsPort: gateway.tlsPort,
    caFile: gateway.caFile,
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  }
}

async function overRest({ restPort, restHost }: Servers, report: Report): Promise<void> {
  const call = async (path: string, body?: object): Promise<{ status: number; json: unknown }> => {
    const answer = await ask(new URL(path, `http://127.0.0.1:${restPort}`), {
      method: body === undefined ? 'GET' : 'POST',
      headers: { host: restHost, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, json: JSON.parse(answer.body) }
  }
  const tensor = { name: 'input-0', shape: [2, 4], datatype: 'FP32', data: ROWS.flat() }
  await report.check('REST V1: predict', async () => {
    const answer = await call(`/v1/models/${MODEL}:predict`, { instances: ROWS })
    same(answer, { status: 200, json: { predictions: LABELS } })
  })
  await report.check('REST V1: model ready', async () =>
    same(await call(`/v1/models/${MODEL}`), { status: 200, json: { name: MODEL, ready: true } }),
  )
  await report.check('REST V2: infer', async () => {
    const { status, json } = await call(`/v2/models/${MODEL}/infer`, { id: 'seven', inputs: [tensor] })
    same(status, 200)
    holds(json, { model_name: MODEL, id: 'seven' })
    holds(field(field(json, 'outputs'), '0'), {
      name: 'output-0',
      datatype: 'INT64',
      shape: [2],
      data: LABELS,
    })
  })
  await report.check('REST V2: server ready', async () =>
    same(await call('/v2/health/ready'), { status: 200, json: { ready: true } }),
  )
  await report.check('REST V2: model ready', async () =>
    same(await call(`/v2/models/${MODEL}/ready`), { status: 200, json: { name: MODEL, ready: true } }),
  )
  await report.check("REST: the server's own 404", async () =>
    same(await call('/v1/models/nobody:predict', { instances: ROWS }), {
      status: 404,
      json: { error: 'Model with name nobody does not exist.' },
    }),
  )
}

interface GrpcCall {
  readonly port: number
  readonly authority?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** The authority to trust; without it the call is in the clear. */
  readonly caFile?: string
}

const protoFolder = fileURLToPath(new URL('.', import.meta.url))

function grpcurlArgs(method: string, request: object, call: GrpcCall): string[] {
  return [
    ...(call.caFile === undefined ? ['-plaintext'] : ['-cacert', call.caFile]),
    ...(call.authority === undefined ? [] : ['-authority', call.authority]),
    ...Object.entries(call.metadata ?? {}).flatMap(([name, value]) => ['-rpc-header', `${name}: ${value}`]),
    '-max-time',
    '60',
    '-emit-defaults',
    '-format-error',
    '-import-path',
    protoFolder,
    '-proto',
    'oip.proto',
    '-d',
    JSON.stringify(request),
    `127.0.0.1:${call.port}`,
    `inference.GRPCInferenceService/${method}`,
  ]
}

async function grpcurl(method: string, request: object, call: GrpcCall): Promise<unknown> {
  const { stdout } = await must(goTool('grpcurl'), grpcurlArgs(method, request, call))
  return JSON.parse(stdout)
}

const inferRequest = {
  model_name: MODEL,
  id: 'seven',
  inputs: [{ name: 'input-0', datatype: 'FP32', shape: [2, 4], contents: { fp32_contents: ROWS.flat() } }],
}

/** 64-bit numbers are strings in the JSON of protobuf. */
async function infer(call: GrpcCall): Promise<void> {
  const answer = await grpcurl('ModelInfer', inferRequest, call)
  holds(answer, { modelName: MODEL, id: 'seven' })
  const output = field(field(answer, 'outputs'), '0')
  holds(output, { name: 'output-0', datatype: 'INT64', shape: ['2'] })
  same(field(field(output, 'contents'), 'int64Contents'), LABELS.map(String))
}

async function overGrpc({ grpcPort, grpcHost }: Servers, report: Report): Promise<void> {
  const call = { port: grpcPort, authority: grpcHost }
  await report.check('gRPC: ServerLive', async () =>
    same(await grpcurl('ServerLive', {}, call), { live: true }),
  )
  await report.check('gRPC: ServerReady', async () =>
    same(await grpcurl('ServerReady', {}, call), { ready: true }),
  )
  await report.check('gRPC: ServerMetadata', async () =>
    holds(await grpcurl('ServerMetadata', {}, call), { name: 'kserve', version: '0.21.0' }),
  )
  await report.check('gRPC: ModelReady', async () =>
    same(await grpcurl('ModelReady', { name: MODEL }, call), { ready: true }),
  )
  await report.check('gRPC: ModelMetadata', async () =>
    holds(await grpcurl('ModelMetadata', { name: MODEL }, call), {
      name: MODEL,
      inputs: [{ name: 'input-0', datatype: 'FP32', shape: ['-1', '4'] }],
    }),
  )
  await report.check('gRPC: ModelInfer', () => infer(call))
  await report.check('gRPC: ModelInfer with raw contents', async () => {
    const { contents: _, ...input } = inferRequest.inputs[0]!
    const raw = Buffer.from(Float32Array.from(ROWS.flat()).buffer).toString('base64')
    const request = { ...inferRequest, inputs: [input], raw_input_contents: [raw] }
    holds(await grpcurl('ModelInfer', request, call), { modelName: MODEL, id: 'seven' })
  })
  await report.check("gRPC: the server's own NOT_FOUND", async () => {
    const request = { ...inferRequest, model_name: 'nobody' }
    const { stderr } = await runCommand(goTool('grpcurl'), grpcurlArgs('ModelInfer', request, call))
    holds(errorOf(stderr), { code: 5, message: 'Model with name nobody does not exist.' })
  })
}

async function overTls({ tlsPort, caFile, grpcHost }: Servers, report: Report): Promise<void> {
  if (tlsPort === undefined || caFile === undefined) return
  await report.check('gRPC over TLS: ModelInfer', () => infer({ port: tlsPort, caFile, authority: grpcHost }))
  await report.check('gRPC over TLS, by mm-model-id: ModelInfer', () =>
    infer({ port: tlsPort, caFile, metadata: { 'mm-model-id': MODEL } }),
  )
}

/** A client that knows one address for all models names the service in its metadata. */
async function byMetadata({ grpcPort: port }: Servers, report: Report): Promise<void> {
  for (const [title, metadata] of [
    ['mm-model-id', { 'mm-model-id': MODEL }],
    ['mm-vmodel-id', { 'mm-vmodel-id': MODEL }],
    ['mm-model-id with its namespace', { 'mm-model-id': `default/${MODEL}` }],
    ['mm-vmodel-id, before mm-model-id', { 'mm-vmodel-id': MODEL, 'mm-model-id': 'nobody' }],
  ] as const) {
    await report.check(`gRPC by ${title}: ModelInfer`, () => infer({ port, metadata }))
  }
  await report.check('gRPC by mm-model-id, of nobody: UNIMPLEMENTED from the gateway', async () => {
    const call = { port, metadata: { 'mm-model-id': 'nobody' } }
    const { stderr } = await runCommand(goTool('grpcurl'), grpcurlArgs('ServerLive', {}, call))
    holds(errorOf(stderr), { code: 12 })
  })
}

/** What grpcurl writes of a status; anything else is what went wrong. */
function errorOf(stderr: string): unknown {
  if (!stderr.trimStart().startsWith('{')) throw new Error(`no status of gRPC: ${stderr.trim()}`)
  return JSON.parse(stderr)
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function same(got: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(got, wanted)) {
    throw new Error(`got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`)
  }
}

/** Every field of `wanted` is there and is the same; there may be others. */
function holds(got: unknown, wanted: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(wanted)) {
    if (!isDeepStrictEqual(field(got, name), value)) {
      throw new Error(`${name}: wanted ${JSON.stringify(value)} in ${JSON.stringify(got)}`)
    }
  }
}
