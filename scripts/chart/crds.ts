import { z } from 'zod'
import { inferenceServiceSchema } from '../../src/kserve/schema/inference-service.ts'
import { container } from '../../src/kserve/schema/kubernetes.ts'
import { servingRuntimeSchema } from '../../src/kserve/schema/serving-runtime.ts'
import { describeFields } from './descriptions.ts'
import { addServiceRules } from './service-rules.ts'
import { statusSchema } from './status-schema.ts'
import { structuralOf, type StructuralSchema } from './structural.ts'

/** The custom resources of the chart, made from the schemas that the controller reads them with. */

interface Column {
  readonly name: string
  readonly type: 'string' | 'integer' | 'boolean' | 'date'
  readonly jsonPath: string
}

interface Definition {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly scope: 'Namespaced' | 'Cluster'
  readonly shortNames?: readonly string[]
  readonly columns: readonly Column[]
  readonly hasStatus: boolean
  readonly description: string
  readonly fields: Readonly<Record<string, StructuralSchema>>
  readonly required?: readonly string[]
}

const AGE: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }
const KSERVE = 'serving.kserve.io'

const traffic = (which: string): string => `.status.components.predictor.traffic[?(${which})]`

function specOf(schema: z.ZodType): StructuralSchema {
  const spec = structuralOf(schema).properties?.['spec']
  if (spec === undefined) throw new Error('the schema has no spec')
  return spec
}

function inferenceService(): Definition {
  const schema: StructuralSchema = { type: 'object', properties: { spec: specOf(inferenceServiceSchema) } }
  addServiceRules(schema)
  return {
    group: KSERVE,
    version: 'v1beta1',
    kind: 'InferenceService',
    plural: 'inferenceservices',
    scope: 'Namespaced',
    shortNames: ['isvc'],
    columns: [
      { name: 'URL', type: 'string', jsonPath: '.status.url' },
      { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
      { name: 'Prev', type: 'integer', jsonPath: `${traffic("@.tag=='prev'")}.percent` },
      { name: 'Latest', type: 'integer', jsonPath: `${traffic('@.latestRevision==true')}.percent` },
      {
        name: 'PrevRolledoutRevision',
        type: 'string',
        jsonPath: `${traffic("@.tag=='prev'")}.revisionName`,
      },
      {
        name: 'LatestReadyRevision',
        type: 'string',
        jsonPath: `${traffic('@.latestRevision==true')}.revisionName`,
      },
      AGE,
    ],
    hasStatus: true,
    description:
      'A model that is served: how to run it, how it scales, and which share of the traffic a change gets.',
    fields: { spec: schema.properties?.['spec'] ?? {}, status: structuralOf(statusSchema) },
    required: ['spec'],
  }
}

function servingRuntime(kind: 'ServingRuntime' | 'ClusterServingRuntime'): Definition {
  return {
    group: KSERVE,
    version: 'v1alpha1',
    kind,
    plural: `${kind.toLowerCase()}s`,
    scope: kind === 'ServingRuntime' ? 'Namespaced' : 'Cluster',
    columns: [
      { name: 'Disabled', type: 'boolean', jsonPath: '.spec.disabled' },
      { name: 'ModelType', type: 'string', jsonPath: '.spec.supportedModelFormats[*].name' },
      { name: 'Containers', type: 'string', jsonPath: '.spec.containers[*].name' },
      AGE,
    ],
    hasStatus: false,
    description:
      kind === 'ServingRuntime'
        ? 'A model server, and the formats that it reads, for the InferenceServices of its namespace.'
        : 'A model server, and the formats that it reads, for the InferenceServices of all namespaces.',
    fields: {
      spec: specOf(servingRuntimeSchema),
      status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
    required: ['spec'],
  }
}

const storageContainerSchema = z.looseObject({
  container: container.required({ name: true }),
  supportedUriFormats: z.array(
    z.looseObject({ prefix: z.string().optional(), regex: z.string().optional() }),
  ),
  workloadType: z.enum(['initContainer', 'localModelDownloadJob']).optional(),
  // A LabelSelector of Kubernetes.
  objectSelector: z
    .looseObject({
      matchLabels: z.record(z.string(), z.string()).optional(),
      matchExpressions: z
        .array(
          z.looseObject({
            key: z.string(),
            operator: z.string(),
            values: z.array(z.string()).optional(),
          }),
        )
        .optional(),
    })
    .optional(),
})

function clusterStorageContainer(): Definition {
  const spec = structuralOf(storageContainerSchema)
  return {
    group: KSERVE,
    version: 'v1alpha1',
    kind: 'ClusterStorageContainer',
    plural: 'clusterstoragecontainers',
    scope: 'Cluster',
    columns: [],
    hasStatus: false,
    description: 'The container that downloads models from storage of certain URIs.',
    fields: { spec, disabled: { type: 'boolean' } },
    required: ['spec'],
  }
}

function inferenceRoute(): Definition {
  return {
    group: 'pilotlight.dev',
    version: 'v1alpha1',
    kind: 'InferenceRoute',
    plural: 'inferenceroutes',
    scope: 'Namespaced',
    shortNames: ['iroute'],
    columns: [
      { name: 'Mode', type: 'string', jsonPath: '.spec.history.deploymentMode' },
      { name: 'Host', type: 'string', jsonPath: '.spec.routes[0].hosts[0]' },
      AGE,
    ],
    hasStatus: false,
    description:
      'Where the requests of an InferenceService go, and which revisions it had. Written by the controller, one for ' +
      'each InferenceService and with its name; a change by hand is overwritten.',
    fields: {
      spec: {
        type: 'object',
        required: ['routes', 'history'],
        properties: {
          routes: {
            type: 'array',
            description: 'Hosts and paths, and the shares of the revisions that answer them.',
            items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          },
          history: {
            type: 'object',
            description: 'Every revision with its template, and what each last had of the traffic.',
            'x-kubernetes-preserve-unknown-fields': true,
          },
          accepted: {
            type: 'object',
            description: 'The newest version of the InferenceService that was accepted.',
            'x-kubernetes-preserve-unknown-fields': true,
          },
        },
      },
    },
    required: ['spec'],
  }
}

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly [field: string]: unknown }
  readonly [field: string]: unknown
}

/** Marks the CRDs as this chart's: it never takes over those of somebody else. */
export const PART_OF = { 'app.kubernetes.io/part-of': 'pilotlight' }

function crdOf(definition: Definition): Manifest {
  const { group, version, kind, plural, scope, shortNames, columns, hasStatus, description } = definition
  const schema: StructuralSchema = {
    type: 'object',
    description,
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      ...definition.fields,
    },
    ...(definition.required === undefined ? {} : { required: [...definition.required] }),
  }
  describeFields(schema)
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      labels: PART_OF,
      // With a CRD go all objects of its kind: `helm uninstall` leaves it.
      annotations: { 'helm.sh/resource-policy': 'keep' },
    },
    spec: {
      group,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        ...(shortNames === undefined ? {} : { shortNames }),
        categories: ['pilotlight'],
      },
      scope,
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          ...(columns.length === 0 ? {} : { additionalPrinterColumns: columns }),
          ...(hasStatus ? { subresources: { status: {} } } : {}),
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  }
}

export function crds(): readonly Manifest[] {
  return [
    inferenceService(),
    servingRuntime('ServingRuntime'),
    servingRuntime('ClusterServingRuntime'),
    clusterStorageContainer(),
    inferenceRoute(),
  ].map(crdOf)
}
