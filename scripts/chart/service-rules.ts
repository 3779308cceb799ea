import { frameworks } from '../../src/kserve/schema/inference-service.ts'
import { at, type CelRule, type StructuralSchema } from './structural.ts'

/**
 * What KServe's webhook refuses, in KServe's words, as far as it needs neither metadata nor a number in its message: CEL
 * beside the fields that it is about. The API server takes the cost of such a rule for the longest list that the schema
 * allows, hence the bounds. The rest is in policies.ts.
 */
const COUNT_MAX = { containers: 64, env: 1000, canary: 50 } as const

const predictorChoices =
  'Name, SKLearn, XGBoost, Tensorflow, PyTorch, Triton, ONNX, HuggingFace, PMML, LightGBM, Paddle, Model, ' +
  'StorageUris, StorageContainerName, WorkerSpec, PodSpec'
const transformerChoices = 'PodSpec, ComponentExtensionSpec'
const explainerChoices = 'ART, PodSpec, ComponentExtensionSpec'

/** Adds the rules to the schema of an InferenceService. */
export function addServiceRules(service: StructuralSchema): void {
  for (const component of ['predictor', 'transformer', 'explainer']) {
    addRules(at(service, `spec.${component}`), componentRules)
    bound(at(service, `spec.${component}`))
    addRules(at(service, `spec.${component}.canaryTrafficPercent`), [percentRule])
  }
  const predictor = at(service, 'spec.predictor')
  addRules(predictor, predictorRules)
  for (const name of [...frameworks, 'model'] as const) {
    addRules(at(predictor, name), [
      { rule: '!has(self.name)', message: "the 'name' field is not allowed in standard predictor" },
    ])
  }
  addRules(at(service, 'spec.transformer'), [
    {
      rule: 'has(self.containers) && size(self.containers) > 0',
      message: exactlyOne(transformerChoices, 'TransformerSpec'),
    },
  ])
  addRules(at(service, 'spec.explainer'), [
    {
      rule: '(has(self.containers) && size(self.containers) > 0) != has(self.art)',
      message: exactlyOne(explainerChoices, 'ExplainerSpec'),
    },
  ])
  at(service, 'spec.canary').maxItems = COUNT_MAX.canary
  bound(at(service, 'spec.canary[].predictor'))
}

function exactlyOne(choices: string, spec: string): string {
  return `exactly one of [${choices}] must be specified in ${spec}`
}

function addRules(schema: StructuralSchema, rules: readonly CelRule[]): void {
  schema['x-kubernetes-validations'] = [...(schema['x-kubernetes-validations'] ?? []), ...rules]
}

function bound(component: StructuralSchema): void {
  const containers = at(component, 'containers')
  containers.maxItems = COUNT_MAX.containers
  at(containers, '[].env').maxItems = COUNT_MAX.env
}

const componentRules: readonly CelRule[] = [
  {
    rule: '!has(self.minReplicas) || self.minReplicas >= 0',
    message: "'MinReplicas' cannot be less than 0",
  },
  {
    rule: '!has(self.maxReplicas) || self.maxReplicas >= 0',
    message: "'MaxReplicas' cannot be less than 0",
  },
  {
    rule: '!has(self.minReplicas) || !has(self.maxReplicas) || self.maxReplicas == 0 || self.minReplicas <= self.maxReplicas',
    message: "'MinReplicas' cannot be greater than MaxReplicas",
  },
  {
    rule: '!has(self.containerConcurrency) || self.containerConcurrency >= 0',
    message: 'parallelism cannot be less than 0',
  },
]

/** KServe takes any number, and Knative refuses it later. The API server puts field and value before these words. */
const percentRule: CelRule = {
  rule: 'self >= 0 && self <= 100',
  message: 'out of range; allowed are 0 to 100',
}

/** KServe moves the first framework field over `model`: both together are one. */
const ways = `[${frameworks.map((name) => `has(self.${name})`).join(', ')}].filter(w, w).size()`

const predictorRules: readonly CelRule[] = [
  {
    rule: `(${ways} > 0 ? ${ways} : (has(self.model) ? 1 : 0)) + (has(self.containers) && size(self.containers) > 0 ? 1 : 0) == 1`,
    message: exactlyOne(predictorChoices, 'PredictorSpec'),
  },
  {
    rule:
      "!has(self.containers) || self.containers.all(c, !has(c.name) || c.name != 'transformer-container' || " +
      "!has(c.env) || c.env.all(e, e.name != 'STORAGE_URI'))",
    message: 'storage uri should not be specified in transformer container',
  },
  {
    rule: `!has(self.storageUris) || size(self.storageUris) == 0 || !(${[...frameworks, 'model']
      .map((name) => `has(self.${name}) && has(self.${name}.storageUri)`)
      .join(' || ')})`,
    message: 'Setting both StorageURI and StorageURIs is not supported.',
  },
]
