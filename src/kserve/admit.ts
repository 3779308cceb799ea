import type { z } from 'zod'

import { withDefaults } from './defaults.ts'
import type { ManifestDocument } from './documents.ts'
import { deploymentModeOf, type DeploymentMode } from './keys.ts'
import type { Runtime } from './runtimes.ts'
import { inferenceGraphSchema, type InferenceGraph } from './schema/inference-graph.ts'
import { inferenceServiceSchema, type InferenceService } from './schema/inference-service.ts'
import { servingRuntimeSchema, type ServingRuntimeManifest } from './schema/serving-runtime.ts'
import { schemaErrors } from './schema-errors.ts'
import {
  describeUnknown,
  fieldPath,
  isObject,
  nearestName,
  unknownFields,
  withoutNulls,
} from './unknown-fields.ts'
import { graphError } from './validate-graph.ts'
import { runtimeError } from './validate-runtime.ts'
import { implementations, serviceError } from './validate-service.ts'

/**
 * Admission as a cluster with KServe does it: kinds the API server knows, the mutating webhook, the object's
 * name, the CRD's schema, the validating webhook. The first stage that refuses speaks.
 */

export interface AdmissionContext {
  readonly defaultMode: DeploymentMode
  /** What was there before this document. */
  readonly runtimes: readonly Runtime[]
}

export type Stage =
  | 'yaml-parse'
  | 'api-discovery'
  | 'decoding'
  | 'mutating-webhook'
  | 'object-meta'
  | 'crd-schema'
  | 'validating-webhook'

export type AdmittedObject =
  | { readonly kind: 'InferenceService'; readonly mode: DeploymentMode; readonly value: InferenceService }
  | { readonly kind: 'ServingRuntime'; readonly value: ServingRuntimeManifest }
  | { readonly kind: 'InferenceGraph'; readonly value: InferenceGraph }
  /** An object of another API: not ours to read. */
  | { readonly kind: 'other' }

export interface Identity {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

export interface Remark {
  readonly message: string
  readonly line?: number
  /** What helps beyond the words of KServe. */
  readonly hint?: string
}

export type Admission = Identity & {
  /** What `kubectl` says with strict decoding; '' if there is nothing unknown. */
  readonly strictError: string
  /** Unknown fields, with the name that was probably meant. */
  readonly remarks: readonly Remark[]
} & (
    | { readonly admitted: AdmittedObject; readonly refusal?: undefined }
    | { readonly refusal: Remark & { readonly stage: Stage }; readonly admitted?: undefined }
  )

const schemas: Readonly<Record<string, { readonly version: string; readonly schema: z.ZodType }>> = {
  InferenceService: { version: 'v1beta1', schema: inferenceServiceSchema },
  ServingRuntime: { version: 'v1alpha1', schema: servingRuntimeSchema },
  ClusterServingRuntime: { version: 'v1alpha1', schema: servingRuntimeSchema },
  InferenceGraph: { version: 'v1alpha1', schema: inferenceGraphSchema },
}

/** Kinds of KServe that are not ours to serve. */
const otherKServeKinds: ReadonlySet<string> = new Set([
  'TrainedModel',
  'ClusterStorageContainer',
  'LocalModelCache',
  'LocalModelNamespaceCache',
  'LocalModelNode',
  'LocalModelNodeGroup',
  'LLMInferenceService',
  'LLMInferenceServiceConfig',
])

export function admit(document: ManifestDocument, context: AdmissionContext): Admission {
  const identity = identityOf(document.value)
  const refuse = (
    stage: Stage,
    message: string,
    { path, hint }: { readonly path?: readonly PropertyKey[]; readonly hint?: string } = {},
  ): Admission => ({
    ...identity,
    strictError: '',
    remarks: [],
    refusal: {
      stage,
      message,
      ...(path === undefined
        ? {}
        : { line: document.lineOf(path.filter((part) => typeof part !== 'symbol')) }),
      ...(hint === undefined ? {} : { hint }),
    },
  })
  if (document.error !== undefined) return refuse('yaml-parse', document.error.goMessage)
  const value = withoutNulls(document.value)
  if (!isObject(value))
    return refuse('decoding', 'a manifest is a mapping with apiVersion, kind and metadata')
  const { apiVersion, kind } = value
  if (typeof apiVersion !== 'string') return refuse('decoding', 'apiVersion not set')
  if (typeof kind !== 'string') return refuse('decoding', 'kind not set')

  const known = Object.hasOwn(schemas, kind) ? schemas[kind] : undefined
  const ours = /^serving\.(kserve\.io|kubeflow\.org)\//.test(apiVersion)
  if (!ours || otherKServeKinds.has(kind)) {
    return { ...identity, strictError: '', remarks: [], admitted: { kind: 'other' } }
  }
  if (apiVersion !== `serving.kserve.io/${known?.version}`) {
    const nearest = known === undefined ? nearestName(kind, Object.keys(schemas)) : kind
    const version = schemas[nearest ?? '']?.version
    return refuse('api-discovery', `no matches for kind "${kind}" in version "${apiVersion}"`, {
      path: ['apiVersion'],
      ...(version === undefined ? {} : { hint: `did you mean ${nearest} in serving.kserve.io/${version}?` }),
    })
  }
  if (known === undefined) return refuse('api-discovery', `no matches for kind "${kind}"`)
  const undecodable = metadataError(value)
  if (undecodable !== undefined) return refuse('decoding', undecodable.message, { path: undecodable.path })
  if (kind === 'InferenceService' && !hasImplementation(value)) {
    // KServe's defaulting webhook reads the first of no implementations.
    return refuse('mutating-webhook', 'panic: runtime error: index out of range [0] with length 0', {
      path: ['spec'],
      hint: 'spec.predictor says nothing to serve: it needs model, a framework such as sklearn, or containers',
    })
  }
  const badName = objectNameError(identity.name)
  if (badName !== undefined) return refuse('object-meta', badName, { path: ['metadata', 'name'] })

  const unknown = unknownFields(known.schema, value)
  const remarks = unknown.map((field) => ({
    message: describeUnknown(field),
    line: document.lineOf(field.path),
  }))
  const strict = unknown.map(({ path }) => `unknown field "${fieldPath(path)}"`).sort()
  const strictError =
    strict.length === 0
      ? ''
      : `${kind} in version "${known.version}" cannot be handled as a ${kind}: strict decoding error: ${strict.join(', ')}`
  const parsed = known.schema.safeParse(value)
  if (!parsed.success) {
    const errors = schemaErrors(parsed.error, value)
    const messages = errors.map(({ message }) => message)
    const text = messages.length === 1 ? (messages[0] ?? '') : `[${messages.join(', ')}]`
    return { ...refuse('crd-schema', text, { path: errors[0]?.path ?? [] }), remarks, strictError }
  }
  const checked = validate(kind, parsed.data, context)
  if (typeof checked === 'string') {
    return { ...refuse('validating-webhook', checked), remarks, strictError }
  }
  return { ...identity, remarks, strictError, admitted: checked }
}

/** The object with its defaults, or the validating webhook's message. */
function validate(kind: string, value: unknown, context: AdmissionContext): AdmittedObject | string {
  if (kind === 'InferenceService') {
    const isvc = withDefaults(inferenceServiceSchema.parse(value), context.defaultMode)
    const mode = deploymentModeOf(isvc.metadata.annotations, context.defaultMode)
    return serviceError(isvc, mode) ?? { kind, mode, value: isvc }
  }
  if (kind === 'InferenceGraph') {
    const graph = inferenceGraphSchema.parse(value)
    return graphError(graph) ?? { kind, value: graph }
  }
  const runtime = servingRuntimeSchema.parse(value)
  return runtimeError(runtime, context.runtimes) ?? { kind: 'ServingRuntime', value: runtime }
}

export function identityOf(value: unknown): Identity {
  const object = isObject(value) ? value : {}
  const metadata = isObject(object['metadata']) ? object['metadata'] : {}
  const text = (field: unknown): string | undefined =>
    typeof field === 'string' || typeof field === 'number' ? String(field) : undefined
  return {
    kind: text(object['kind']) ?? '',
    // `||`: an empty namespace is the default one too.
    namespace: object['kind'] === 'ClusterServingRuntime' ? '' : text(metadata['namespace']) || 'default',
    name: text(metadata['name']) ?? '',
  }
}

/** Annotations and labels are texts; an unquoted `yes` or `1` is none. */
function metadataError(
  value: Readonly<Record<string, unknown>>,
): { readonly message: string; readonly path: readonly string[] } | undefined {
  const metadata = isObject(value['metadata']) ? value['metadata'] : {}
  for (const field of ['annotations', 'labels'] as const) {
    const entries = isObject(metadata[field]) ? metadata[field] : {}
    for (const [key, entry] of Object.entries(entries)) {
      if (typeof entry === 'string') continue
      const got = typeof entry === 'boolean' ? 'bool' : Array.isArray(entry) ? 'array' : typeof entry
      return {
        message: `json: cannot unmarshal ${got} into Go struct field ObjectMeta.metadata.${field} of type string`,
        path: ['metadata', field, key],
      }
    }
  }
  return undefined
}

function hasImplementation(value: Readonly<Record<string, unknown>>): boolean {
  const spec = isObject(value['spec']) ? value['spec'] : {}
  const predictor = inferenceServiceSchema.shape.spec.shape.predictor.safeParse(spec['predictor'] ?? {})
  // A predictor that the schema refuses is left to the schema.
  return !predictor.success || implementations(predictor.data) > 0
}

const subdomain = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'

function objectNameError(name: string): string | undefined {
  if (name === '') return 'metadata.name: Required value: name or generateName is required'
  if (name.length > 253) return `metadata.name: Invalid value: "${name}": must be no more than 253 characters`
  if (new RegExp(`^${subdomain}$`).test(name)) return undefined
  return (
    `metadata.name: Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric ` +
    `characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used ` +
    `for validation is '${subdomain}')`
  )
}
