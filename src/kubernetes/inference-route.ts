import { z } from 'zod'
import { qualified } from '../core/names.ts'
import type { Revision } from '../core/revision.ts'
import type { Route } from '../core/route.ts'
import {
  emptyComponentHistory,
  readHistory,
  type ComponentHistory,
  type KeptService,
  type ServiceHistory,
} from '../kserve/index.ts'
import type { KubeObject } from './api/index.ts'
import { withHash } from './objects/applied.ts'
import { LABELS } from './names.ts'
import { ownerReferences, serviceLabels } from './objects/metadata.ts'

export const INFERENCE_ROUTE = { apiVersion: 'pilotlight.dev/v1alpha1', kind: 'InferenceRoute' } as const

/** What an InferenceRoute holds: at once what gateways read and what survives the controller. */
export interface InferenceRouteSpec {
  readonly routes: readonly Route[]
  readonly history: ServiceHistory
  /** The newest InferenceService that was accepted. */
  readonly accepted: Accepted
}

interface Accepted {
  readonly generation: number
  readonly annotations: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly spec: Readonly<Record<string, unknown>>
}

const strings = z.record(z.string(), z.string())
const target = z.object({
  revision: z.templateLiteral([z.string(), '/', z.string()]),
  percent: z.int().min(0).max(100),
  tag: z.string().optional(),
})
/** No split, or a whole one: a gateway has no way to divide anything else. */
const splitSchema = z
  .array(target)
  .refine(
    (targets) => targets.length === 0 || targets.reduce((sum, { percent }) => sum + percent, 0) === 100,
    {
      error: 'percents have to sum to 100',
    },
  )
const routeSchema = z.object({
  name: z.templateLiteral([z.string(), '/', z.string()]),
  service: z.templateLiteral([z.string(), '/', z.string()]),
  component: z.enum(['predictor', 'transformer', 'explainer']),
  hosts: z.array(z.string()),
  pathPrefixes: z.array(z.string()),
  match: z.enum(['explain', 'all']),
  split: splitSchema,
  sticky: z.object({ from: z.enum(['header', 'cookie']), name: z.string() }).optional(),
})
const acceptedSchema = z.object({
  generation: z.int(),
  annotations: strings,
  labels: strings,
  spec: z.record(z.string(), z.unknown()),
})
const specSchema = z.object({
  routes: z.array(routeSchema),
  history: z.unknown(),
})

/** What gateways need of it. */
export interface RoutedService {
  readonly routes: readonly Route[]
  readonly revisions: readonly Revision[]
}

/**
 * Reads an InferenceRoute.
 * @throws Error naming every field that is wrong: written by something else, or by another version.
 */
export function readInferenceRoute(object: KubeObject): RoutedService {
  const name = qualified(object.metadata.namespace ?? '', object.metadata.name)
  const parsed = specSchema.safeParse(object['spec'])
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => `spec.${issue.path.join('.')}: ${issue.message}`)
    throw new Error(`InferenceRoute ${name}: ${issues.join('; ')}`)
  }
  const history = readHistory(parsed.data.history, `InferenceRoute ${name}: spec.history`)
  return {
    routes: parsed.data.routes.map(({ sticky, split, ...route }) => ({
      ...route,
      split: split.map(({ tag, ...share }) => ({ ...share, ...(tag === undefined ? {} : { tag }) })),
      ...(sticky === undefined ? {} : { sticky }),
    })),
    revisions: Object.values(history.components).flatMap(({ revisions }) =>
      revisions.map(({ revision }) => revision),
    ),
  }
}

/** The history that it holds, unchecked. */
export function historyIn(object: KubeObject): unknown {
  const { spec } = object
  return typeof spec === 'object' && spec !== null && 'history' in spec ? spec.history : undefined
}

/** Whether the InferenceRoute belongs to a service of that name that was there before this one. */
export function isEarlier(route: KubeObject, { metadata: { uid } }: KubeObject): boolean {
  const owners = route.metadata.ownerReferences ?? []
  return owners.length > 0 && !owners.some((owner) => owner.uid === uid)
}

/** A history without revisions that gives no name of these Deployments to a revision of another content. */
export function historyBehind(deployments: readonly KubeObject[]): ServiceHistory {
  const components: Record<string, ComponentHistory> = {}
  for (const { metadata } of deployments) {
    const [, name = '', number = ''] = /^(.*)-(\d+)$/.exec(metadata.labels?.[LABELS.revision] ?? '') ?? []
    const component = metadata.labels?.[LABELS.component]
    if (component !== 'predictor' && component !== 'transformer' && component !== 'explainer') continue
    const nextGeneration = Math.max(Number(number) + 1, components[name]?.nextGeneration ?? 1)
    components[name] = { ...emptyComponentHistory(component), nextGeneration }
  }
  return { version: 1, deploymentMode: 'Knative', components, serving: {}, conditions: {} }
}

/** `service` as it was when we last accepted it. */
export function acceptedIn(route: KubeObject | undefined, service: KubeObject): KubeObject | undefined {
  if (route === undefined || isEarlier(route, service)) return undefined
  const { success, data } = z.object({ accepted: acceptedSchema }).safeParse(route['spec'])
  if (!success) return undefined
  const { annotations, labels, spec, generation } = data.accepted
  return { ...service, metadata: { ...service.metadata, generation, annotations, labels }, spec }
}

/** The InferenceRoute of a service, with the hash of what it says. */
export function inferenceRouteOf(service: KubeObject, { desired, result }: KeptService): KubeObject {
  const { name, namespace, uid = '' } = service.metadata
  const { annotations, labels, spec, generation } = desired
  const content: InferenceRouteSpec = {
    routes: result.routes,
    history: result.history,
    accepted: { generation, annotations, labels, spec },
  }
  const owner = { namespace: desired.namespace, name: desired.name, uid }
  return withHash({
    ...INFERENCE_ROUTE,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: serviceLabels(desired.name),
      ownerReferences: ownerReferences(owner),
    },
    spec: content,
  })
}
