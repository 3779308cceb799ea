import { ownKeys } from '../../src/kserve/keys.ts'
import { frameworks } from '../../src/kserve/schema/inference-service.ts'
import {
  hasPath,
  listAt,
  oneAt,
  setsPythonPath,
  type Validation,
  type Variable,
} from './policy-expressions.ts'
import { scalingRules } from './scaling-rules.ts'
import {
  canaryRules,
  invalid,
  multiNodeRules,
  ownRules,
  predictor,
  storageRules,
  updateRules,
} from './service-policy-rules.ts'

/** What is refused of InferenceServices: first what KServe would name first. */

const nameWords = (kind: string): string =>
  `"the ${kind} \\"" + object.metadata.name + "\\" is invalid: a ${kind} name must consist of lower case alphanumeric ` +
  `characters or '-', and must start with alphabetical character. (e.g. \\"my-name\\" or \\"abc-123\\", regex used for ` +
  `validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"`

const serviceContainers = [
  oneAt(`${predictor}.model`),
  ...frameworks.map((name) => oneAt(`${predictor}.${name}`)),
  listAt(`${predictor}.containers`),
  listAt(`${predictor}.initContainers`),
  listAt(`${predictor}.workerSpec.containers`),
  listAt('object.spec.transformer.containers'),
  listAt('object.spec.transformer.initContainers'),
  oneAt('object.spec.explainer.art'),
  listAt('object.spec.explainer.containers'),
  listAt('object.spec.explainer.initContainers'),
]

const canaryModels =
  '(has(object.spec.canary) ? object.spec.canary : [])' +
  '.filter(c, has(c.predictor) && has(c.predictor.model)).map(c, c.predictor.model)'
const canaryContainers =
  '(has(object.spec.canary) ? object.spec.canary : [])' +
  '.filter(c, has(c.predictor) && has(c.predictor.containers) && size(c.predictor.containers) > 0)' +
  '.map(c, c.predictor.containers[0])'

export const serviceVariables: readonly Variable[] = [
  {
    name: 'annotations',
    expression: 'has(object.metadata.annotations) ? object.metadata.annotations : {}',
  },
  // The chart puts kubernetes.defaultDeploymentMode there.
  { name: 'defaultMode', expression: "'DEFAULT_DEPLOYMENT_MODE'" },
  {
    name: 'mode',
    expression:
      "!('serving.kserve.io/deploymentMode' in variables.annotations) ? variables.defaultMode : " +
      "variables.annotations['serving.kserve.io/deploymentMode'] in ['Standard', 'RawDeployment'] ? 'Standard' : " +
      "variables.annotations['serving.kserve.io/deploymentMode'] in ['Knative', 'Serverless'] ? 'Knative' : " +
      "variables.annotations['serving.kserve.io/deploymentMode'] == 'ModelMesh' ? 'ModelMesh' : variables.defaultMode",
  },
  {
    name: 'deployedMode',
    expression:
      "oldObject != null && has(oldObject.status) && has(oldObject.status.deploymentMode) ? oldObject.status.deploymentMode : ''",
  },
  {
    name: 'autoscaler',
    expression:
      "'serving.kserve.io/autoscalerClass' in variables.annotations ? variables.annotations['serving.kserve.io/autoscalerClass'] : ''",
  },
  { name: 'containers', expression: [...serviceContainers, canaryModels, canaryContainers].join(' + ') },
  { name: 'badContainers', expression: `variables.containers.filter(c, ${setsPythonPath})` },
  {
    name: 'components',
    expression: [predictor, 'object.spec.transformer', 'object.spec.explainer'].map(oneAt).join(' + '),
  },
  {
    name: 'models',
    // After KServe's defaults a framework field is the model.
    expression: [...frameworks, 'model'].map((name) => oneAt(`${predictor}.${name}`)).join(' + '),
  },
  { name: 'workers', expression: oneAt(`${predictor}.workerSpec`) },
  { name: 'canaries', expression: listAt('object.spec.canary') },
  {
    name: 'canaryNames',
    expression:
      "variables.canaries.map(c, has(c.predictor) && has(c.predictor.name) ? c.predictor.name : '')",
  },
  {
    name: 'stableMin',
    expression: `${hasPath(`${predictor}.minReplicas`)} ? ${predictor}.minReplicas : 1`,
  },
  { name: 'storageUris', expression: listAt(`${predictor}.storageUris`) },
  {
    name: 'mountPaths',
    expression: "variables.storageUris.map(s, has(s.mountPath) ? s.mountPath : '/mnt/models')",
  },
  {
    name: 'claimPaths',
    expression:
      "variables.storageUris.filter(s, has(s.uri) && s.uri.startsWith('pvc://'))" +
      ".map(s, has(s.mountPath) ? s.mountPath : '/mnt/models')",
  },
  {
    name: 'protocols',
    expression:
      `!(${hasPath(`${predictor}.containers`)}) || size(${predictor}.containers) == 0 || ` +
      `!has(${predictor}.containers[0].env) ? [] : ${predictor}.containers[0].env` +
      ".filter(e, e.name == 'PROTOCOL' && has(e.value)).map(e, e.value)",
  },
  {
    name: 'unknownKeys',
    expression: `variables.annotations.map(k, k).filter(k, k.startsWith('pilotlight.dev/') && !(k in ${JSON.stringify(ownKeys)}))`,
  },
]

export const serviceRules: readonly Validation[] = [
  {
    expression: "object.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    messageExpression: nameWords('InferenceService'),
  },
  {
    expression:
      "!('serving.kserve.io/autoscalerClass' in variables.annotations) || variables.autoscaler in ['hpa', 'external', 'keda', 'none']",
    messageExpression: '"[" + variables.autoscaler + "] is not a supported autoscaler class type"',
  },
  {
    expression: 'size(variables.badContainers) == 0',
    messageExpression: invalid(
      `setting PYTHONPATH in container \\"" + (has(variables.badContainers[0].name) ? variables.badContainers[0].name : '') + "\\" is not allowed for security reasons`,
    ),
  },
  ...multiNodeRules,
  ...storageRules,
  {
    expression: "variables.protocols.all(p, p in ['v1', 'v2'])",
    // The two halves of KServe's sentence are swapped in its source.
    messageExpression: '"invalid protocol v1, v2. Must be one of [" + variables.protocols[0] + "]"',
  },
  ...scalingRules,
  {
    expression: "variables.mode == 'Standard' || variables.components.all(c, !has(c.deploymentStrategy))",
    message: 'customizing deploymentStrategy is only supported for raw deployment mode',
  },
  ...canaryRules,
  ...updateRules,
  ...ownRules,
]
