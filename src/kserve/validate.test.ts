import { describe, expect, it } from 'vitest'

import {
  acceptedServices,
  refusedCanaries,
  refusedRuntimes,
  refusedServices,
  runtime,
  uneven,
} from '../../test/support/kserve-cases.ts'
import { admit } from './admit.ts'
import { catalogue } from './catalogue.ts'
import { parseDocuments } from './documents.ts'
import type { Runtime } from './runtimes.ts'

const admitText = (text: string, runtimes: readonly Runtime[] = catalogue) => {
  const [document] = parseDocuments(text, { file: 'm.yaml' })
  if (document === undefined) throw new Error('no document')
  return admit(document, { defaultMode: 'Knative', runtimes })
}

const refusal = (text: string, runtimes?: readonly Runtime[]) => {
  const { refusal: found } = admitText(text, runtimes)
  return found === undefined ? undefined : { stage: found.stage, message: found.message }
}

describe('the validating webhook for InferenceServices', () => {
  it.each(refusedServices)('says %s', (message, text) => {
    expect(refusal(text)).toEqual({ stage: 'validating-webhook', message })
  })

  it.each(acceptedServices)('accepts %s', (_, text) => {
    expect(refusal(text)).toBeUndefined()
  })
})

describe('canaries', () => {
  it.each(refusedCanaries)('are refused: %s', (message, text) => {
    expect(refusal(text)).toEqual({ stage: 'validating-webhook', message })
  })
})

describe('the validating webhook for runtimes', () => {
  it.each(refusedRuntimes)('says %s', (message, text) => {
    expect(refusal(text)).toEqual({ stage: 'validating-webhook', message })
  })

  it('does not check the first runtime of a namespace against itself', () => {
    expect(refusal(runtime(uneven, '', 'ServingRuntime'))).toBeUndefined()
  })

  it('leaves the priority minimum to the schema', () => {
    expect(refusal(runtime('{name: foo, priority: 0}'))?.stage).toBe('crd-schema')
  })
})

describe('the validating webhook for graphs', () => {
  const graph = (nodes: string): string =>
    `{apiVersion: serving.kserve.io/v1alpha1, kind: InferenceGraph, metadata: {name: g}, spec: {nodes: {${nodes}}}}`
  const root = (type: string, steps: string): string =>
    graph(`root: {routerType: ${type}, steps: [${steps}]}`)

  it.each([
    [
      "root node not found, InferenceGraph needs a node with name 'root' as the root node of the graph",
      graph('a: {routerType: Sequence}'),
    ],
    [
      'Step 0 ("s") in node "root" of InferenceGraph "g" does not specify an inference target',
      root('Sequence', '{name: s}'),
    ],
    [
      'Step 0 ("") in node "root" of InferenceGraph "g" specifies more than one of nodeName, serviceName, serviceUrl',
      root('Sequence', '{nodeName: a, serviceName: b}'),
    ],
    [
      'Node "root" of InferenceGraph "g" contains more than one step with name "s"',
      root('Sequence', '{name: s, serviceName: a}, {name: s, serviceName: b}'),
    ],
    [
      "InferenceGraph[g] Node[root] Route[b] missing the 'Weight'",
      root('Splitter', '{serviceName: a, weight: 100}, {serviceName: b}'),
    ],
    [
      'InferenceGraph[g] Node[root] splitter node: the sum of traffic weights for all routing targets should be 100',
      root('Splitter', '{serviceName: a, weight: 99}'),
    ],
  ])('says %s', (message, text) => {
    expect(refusal(text)).toEqual({ stage: 'validating-webhook', message })
  })

  it('accepts a splitter of 20 and 80', () => {
    expect(
      refusal(root('Splitter', '{serviceName: a, weight: 20}, {serviceName: b, weight: 80}')),
    ).toBeUndefined()
  })
})
