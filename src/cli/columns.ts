import { age } from './age.ts'
import { parseTemplate, queryTemplate } from './jsonpath/index.ts'
import type { KubeObject } from './objects.ts'
import type { ResourceType } from './resource-types.ts'
import { parseRfc3339 } from '../core/rfc3339.ts'

interface Column {
  readonly header: string
  /** A JSONPath of kubectl's; a column shows its first result. Absent for AGE. */
  readonly path?: string
  readonly wide?: boolean
}

const PREDICTOR = '.status.components.predictor'

/** Those of KServe's CRD for InferenceServices, in its order; ours for the rest. */
const columns: Readonly<Record<ResourceType, readonly Column[]>> = {
  inferenceservices: [
    { header: 'NAME', path: '.metadata.name' },
    { header: 'URL', path: '.status.url' },
    { header: 'READY', path: ".status.conditions[?(@.type=='Ready')].status" },
    { header: 'PREV', path: `${PREDICTOR}.traffic[?(@.tag=='prev')].percent` },
    { header: 'LATEST', path: `${PREDICTOR}.traffic[?(@.latestRevision==true)].percent` },
    { header: 'PREVROLLEDOUTREVISION', path: `${PREDICTOR}.traffic[?(@.tag=='prev')].revisionName` },
    { header: 'LATESTREADYREVISION', path: `${PREDICTOR}.traffic[?(@.latestRevision==true)].revisionName` },
    { header: 'AGE' },
  ],
  revisions: [
    { header: 'NAME', path: '.metadata.name' },
    { header: 'READY', path: '.status.ready' },
    { header: 'REASON', path: '.status.reason' },
    { header: 'TRAFFIC', path: '.status.trafficPercent' },
    { header: 'REPLICAS', path: '.status.replicas.ready' },
    { header: 'WANTED', path: '.status.wanted' },
    { header: 'WAITING', path: '.status.waiting' },
    { header: 'INFLIGHT', path: '.status.inFlight' },
    { header: 'MIN', path: '.status.minScale', wide: true },
    { header: 'MAX', path: '.status.maxScale', wide: true },
    { header: 'CONCURRENCY', path: '.status.containerConcurrency', wide: true },
    { header: 'AGE' },
  ],
  replicas: [
    { header: 'NAME', path: '.metadata.name' },
    { header: 'REVISION', path: '.status.revision' },
    { header: 'PHASE', path: '.status.phase' },
    { header: 'RESTARTS', path: '.status.restarts' },
    { header: 'HOST', path: '.status.address.host', wide: true },
    { header: 'PORT', path: '.status.address.port', wide: true },
    { header: 'PID', path: '.status.pid', wide: true },
    { header: 'AGE' },
    { header: 'REASON', path: '.status.reason', wide: true },
  ],
}

/** How a table of one type is made: its header, and a row an object. */
export function tableOf(
  type: ResourceType,
  options: { readonly wide: boolean; readonly namespaces: boolean },
) {
  const shown = columns[type].filter((column) => options.wide || column.wide !== true)
  const templates = shown.map(({ path }) => (path === undefined ? undefined : parseTemplate(`{${path}}`)))
  const withNamespace = (namespace: string, cells: string[]): string[] =>
    options.namespaces ? [namespace, ...cells] : cells
  return {
    header: withNamespace(
      'NAMESPACE',
      shown.map(({ header }) => header),
    ),
    row: (object: KubeObject, nowMs: number): string[] =>
      withNamespace(
        object.metadata.namespace,
        templates.map((template) =>
          template === undefined ? ageOf(object, nowMs) : cell(queryTemplate(template, object)[0]),
        ),
      ),
  }
}

function cell(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : ''
}

function ageOf({ metadata }: KubeObject, nowMs: number): string {
  const createdAtMs = parseRfc3339(metadata.creationTimestamp)
  return createdAtMs === undefined ? '<unknown>' : age(nowMs - createdAtMs)
}
