import type { InferenceGraph } from './schema/inference-graph.ts'
import { nameError } from './validate-service.ts'

/** KServe's validating webhook for InferenceGraphs: the first thing it would refuse, in its words. */
export function graphError({ metadata, spec }: InferenceGraph): string | undefined {
  const graph = metadata.name ?? ''
  const nodes = Object.entries(spec.nodes)
  return (
    nameError('InferenceGraph', graph) ??
    (Object.hasOwn(spec.nodes, 'root')
      ? undefined
      : `root node not found, InferenceGraph needs a node with name 'root' as the root node of the graph`) ??
    first(nodes, ([node, { steps = [] }]) => targetError(graph, node, steps)) ??
    first(nodes, ([node, { steps = [] }]) => sameNameError(graph, node, steps)) ??
    first(nodes, ([node, { routerType, steps = [] }]) =>
      routerType === 'Splitter' ? weightError(graph, node, steps) : undefined,
    )
  )
}

type Steps = NonNullable<InferenceGraph['spec']['nodes'][string]['steps']>

function targetError(graph: string, node: string, steps: Steps): string | undefined {
  return first([...steps.entries()], ([index, step]) => {
    const targets = [step.nodeName, step.serviceName, step.serviceUrl].filter(
      (target) => (target ?? '') !== '',
    )
    if (targets.length === 1) return undefined
    const where = `Step ${index} ("${step.name ?? ''}") in node "${node}" of InferenceGraph "${graph}"`
    return targets.length === 0
      ? `${where} does not specify an inference target`
      : `${where} specifies more than one of nodeName, serviceName, serviceUrl`
  })
}

function sameNameError(graph: string, node: string, steps: Steps): string | undefined {
  const names = steps.flatMap(({ name }) => (name === undefined || name === '' ? [] : [name]))
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined
    ? undefined
    : `Node "${node}" of InferenceGraph "${graph}" contains more than one step with name "${twice}"`
}

function weightError(graph: string, node: string, steps: Steps): string | undefined {
  const where = `InferenceGraph[${graph}] Node[${node}]`
  const without = steps.find(({ weight }) => weight === undefined)
  if (without !== undefined) return `${where} Route[${without.serviceName ?? ''}] missing the 'Weight'`
  const sum = steps.reduce((total, { weight = 0 }) => total + weight, 0)
  return sum === 100
    ? undefined
    : `${where} splitter node: the sum of traffic weights for all routing targets should be 100`
}

function first<T>(items: readonly T[], check: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const error = check(item)
    if (error !== undefined) return error
  }
  return undefined
}
