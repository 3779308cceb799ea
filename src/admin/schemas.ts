/** JSON Schemas of what the API answers, for the OpenAPI document. They describe; they do not filter. */

const text = { type: 'string' } as const
const count = { type: 'integer', minimum: 0 } as const
const epochMs = { type: 'number', description: 'epoch milliseconds' } as const
const percent = { type: 'integer', minimum: 0, maximum: 100 } as const
const qualifiedName = { type: 'string', description: 'namespace/name' } as const
const address = {
  type: 'object',
  properties: { host: text, port: count },
  required: ['host', 'port'],
} as const
const phases = ['scheduling', 'pulling', 'loading', 'ready', 'draining', 'failed'] as const

function object(
  $id: string,
  description: string,
  properties: Readonly<Record<string, object>>,
  optional: readonly string[] = [],
): { readonly $id: string } & Record<string, unknown> {
  const required = Object.keys(properties).filter((key) => !optional.includes(key))
  return { $id, title: $id, description, type: 'object', properties, required, additionalProperties: true }
}

/** A reference to one of `sharedSchemas`. */
export function ref($id: string): { readonly $ref: string } {
  return { $ref: `${$id}#` }
}

export function listOf($id: string): { readonly type: 'array'; readonly items: { readonly $ref: string } } {
  return { type: 'array', items: ref($id) }
}

export const sharedSchemas = [
  object('Error', 'What went wrong, and a code to act on.', { error: text, code: text }),
  object('InferenceService', 'As `kubectl get -o json` shows it.', {
    apiVersion: { const: 'serving.kserve.io/v1beta1' },
    kind: { const: 'InferenceService' },
    metadata: { type: 'object', additionalProperties: true },
    spec: { type: 'object', additionalProperties: true },
    status: { type: 'object', additionalProperties: true },
  }),
  object('Route', 'The requests that belong to one backend, and the revisions that answer them.', {
    name: qualifiedName,
    hosts: { type: 'array', items: text },
    pathPrefixes: { type: 'array', items: text },
    match: { enum: ['explain', 'all'] },
    split: {
      type: 'array',
      items: {
        type: 'object',
        properties: { revision: qualifiedName, percent, tag: text },
        required: ['revision', 'percent'],
      },
    },
  }),
  object(
    'Signal',
    'One thing that was measured, and how many replicas it asks for on its own.',
    {
      name: text,
      unit: text,
      value: { type: 'number', description: 'absent: the reason says why' },
      target: { type: 'number' },
      proposal: { ...count, description: 'absent: it asks for nothing' },
      binding: { type: 'boolean', description: 'its proposal is the one that counts' },
      reason: text,
    },
    ['value', 'target', 'proposal', 'reason'],
  ),
  object(
    'Decision',
    'How many replicas, by which signal, and every limit that moved the number.',
    {
      class: { enum: ['kpa', 'fixed', 'external', 'hpa', 'llm'] },
      atMs: epochMs,
      replicas: { ...count, description: 'absent: nothing is known, so nothing is changed' },
      mode: { enum: ['stable', 'panic'] },
      limits: { type: 'array', items: text },
      signals: listOf('Signal'),
      inputs: {
        type: 'object',
        properties: {
          metric: { enum: ['concurrency', 'rps'] },
          stable: { type: 'number' },
          panic: { type: 'number' },
          ready: count,
          starting: count,
          waiting: count,
          target: { type: 'number' },
        },
        required: ['metric', 'stable', 'panic', 'ready', 'starting', 'waiting', 'target'],
      },
      windowsMs: { type: 'object', additionalProperties: { type: 'number' } },
      conditions: {
        type: 'array',
        description: "of class hpa: Kubernetes' conditions",
        items: {
          type: 'object',
          properties: { type: text, status: { enum: ['True', 'False', 'Unknown'] }, reason: text },
          required: ['type', 'status', 'reason'],
        },
      },
      excessBurstCapacity: { type: 'number' },
    },
    ['replicas', 'conditions'],
  ),
  object(
    'Revision',
    'One immutable version of a component: the thing that scales.',
    {
      name: qualifiedName,
      service: qualifiedName,
      component: text,
      generation: count,
      createdAtMs: epochMs,
      trafficPercent: { type: 'number', minimum: 0, maximum: 100 },
      ready: { enum: ['True', 'False', 'Unknown'] },
      reason: text,
      wanted: count,
      minScale: count,
      maxScale: { ...count, description: '0 = no upper bound' },
      containerConcurrency: { ...count, description: '0 = no limit' },
      replicas: {
        type: 'object',
        properties: Object.fromEntries(phases.map((phase) => [phase, count])),
        required: phases,
      },
      waiting: count,
      inFlight: count,
      lastDecision: ref('Decision'),
    },
    ['reason', 'lastDecision'],
  ),
  object(
    'Replica',
    'One running instance of a revision.',
    {
      name: qualifiedName,
      revision: qualifiedName,
      phase: { enum: phases },
      sinceMs: epochMs,
      createdAtMs: epochMs,
      address,
      grpcAddress: address,
      reason: text,
      reasonCode: text,
      exitCode: { type: 'integer' },
      restarts: count,
      retryAtMs: epochMs,
      pid: count,
    },
    ['address', 'grpcAddress', 'reason', 'reasonCode', 'exitCode', 'retryAtMs', 'pid'],
  ),
  object('Problem', 'What is wrong with one document.', {
    source: text,
    kind: text,
    namespace: text,
    name: text,
    message: text,
  }),
  object('AppliedObject', 'What became of one document.', {
    kind: text,
    namespace: text,
    name: text,
    outcome: { enum: ['created', 'configured', 'unchanged'] },
    warnings: { type: 'array', items: text },
  }),
  object('Snapshot', 'Everything at one moment: the data of the event `snapshot`.', {
    atMs: epochMs,
    services: listOf('InferenceService'),
    routes: listOf('Route'),
    revisions: listOf('Revision'),
    replicas: listOf('Replica'),
    problems: listOf('Problem'),
  }),
]

/** A Kubernetes name: what a namespace or an object may be called. */
export const objectName = {
  type: 'string',
  maxLength: 253,
  pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
} as const

export const namespacedParams = {
  type: 'object',
  properties: {
    namespace: { ...objectName, description: 'namespace' },
    name: { ...objectName, description: 'name' },
  },
  required: ['namespace', 'name'],
} as const

export interface NamespacedParams {
  readonly namespace: string
  readonly name: string
}

const errorTexts: Readonly<Record<number, string>> = {
  400: 'A parameter or the body is not valid',
  403: 'The Host or Origin header is not allowed (see Security in the documentation)',
  404: 'There is no such object',
  413: 'The body is larger than 4 MiB',
  415: 'The Content-Type is not taken',
  422: 'The manifest was refused, or it would be after this change',
  500: 'A defect of pilotlight; its log says more',
  503: 'Not ready yet',
}

/** The error answers of a route. 403 and 500 can come from everywhere. */
export function errorResponses(...statuses: readonly number[]): Record<number, object> {
  return Object.fromEntries(
    [...statuses, 403, 500].map((status) => [
      status,
      { description: errorTexts[status] ?? 'Error', ...ref('Error') },
    ]),
  )
}
