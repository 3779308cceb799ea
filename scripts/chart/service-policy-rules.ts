import { frameworks } from '../../src/kserve/schema/inference-service.ts'
import { ownKeys } from '../../src/kserve/keys.ts'
import type { Validation } from './policy-expressions.ts'

/** Rules for InferenceServices by what they are about; the variables are those of service-policy.ts. */

export const predictor = 'object.spec.predictor'

export const invalid = (reason: string): string =>
  `"the InferenceService \\"" + object.metadata.name + "\\" is invalid: ${reason}"`

const gpuTypes = ['nvidia.com/gpu', 'amd.com/gpu', 'intel.com/gpu', 'habana.ai/gaudi']
const noWorkers = 'size(variables.workers) == 0'

export const multiNodeRules: readonly Validation[] = [
  {
    expression: `${noWorkers} || variables.autoscaler == 'none'`,
    messageExpression: invalid(`Multinode only supports 'none' autoscaler(" + variables.autoscaler + ")`),
  },
  {
    expression: 'variables.workers.all(w, !has(w.containers) || size(w.containers) <= 1)',
    messageExpression: invalid('setting multiple containers in workerSpec is not allowed'),
  },
  ...['PIPELINE_PARALLEL_SIZE', 'TENSOR_PARALLEL_SIZE'].map((variable) => ({
    expression: `${noWorkers} || variables.models.all(m, !has(m.env) || !m.env.exists(e, e.name == '${variable}'))`,
    messageExpression: invalid(`setting ${variable} in environment variables is not allowed`),
  })),
  {
    expression:
      `${noWorkers} || 'serving.kserve.io/gpu-resource-types' in variables.annotations || variables.models.all(m, !has(m.resources) || ` +
      ['limits', 'requests']
        .map(
          (part) =>
            `(!has(m.resources.${part}) || m.resources.${part}.all(r, !r.contains('/') || r in ${JSON.stringify(gpuTypes)}))`,
        )
        .join(' && ') +
      ')',
    messageExpression: invalid(
      "Unknown GPU resource type. Set 'serving.kserve.io/gpu-resource-types' annotation to use custom gpu resource type",
    ),
  },
  {
    expression: `${noWorkers} || variables.models.all(m, has(m.storageUri))`,
    messageExpression: invalid('StorageURI must be set for multinode enabled'),
  },
  {
    expression: `${noWorkers} || variables.models.all(m, !has(m.storageUri) || m.storageUri.matches('(?i)^(pvc|oci)://'))`,
    messageExpression: invalid(
      `Multinode only supports 'pvc' and 'oci' Storage Protocol(" + variables.models.filter(m, has(m.storageUri))[0].storageUri.split('://')[0] + ")`,
    ),
  },
  ...(['PipelineParallelSize', 'TensorParallelSize'] as const).map((words) => {
    const field = `${words[0]?.toLowerCase() ?? ''}${words.slice(1)}`
    return {
      expression: `variables.workers.all(w, !has(w.${field}) || w.${field} >= 1)`,
      messageExpression: invalid(
        `WorkerSpec.${words} cannot be less than 1(" + string(variables.workers[0].${field}) + ")`,
      ),
    }
  }),
]

export const storageRules: readonly Validation[] = [
  {
    expression: "variables.storageUris.all(s, has(s.uri) && s.uri != '')",
    message: 'storage URI cannot be empty',
  },
  {
    expression: "variables.mountPaths.all(p, p.startsWith('/'))",
    messageExpression:
      '"storage path must be absolute: " + variables.mountPaths.filter(p, !p.startsWith("/"))[0]',
  },
  {
    expression: "variables.mountPaths.all(p, !('..' in p.split('/')))",
    messageExpression:
      '"storage path cannot contain \'..\' for security reasons: " + variables.mountPaths.filter(p, ".." in p.split("/"))[0]',
  },
  {
    expression: 'variables.claimPaths.all(p, variables.claimPaths.exists_one(q, q == p))',
    message: 'PVC storage paths must be unique',
  },
  {
    expression:
      "size(variables.mountPaths) < 2 || variables.mountPaths.all(p, !p.startsWith('/') || !variables.mountPaths[0].startsWith('/') || " +
      "p.split('/')[1] == variables.mountPaths[0].split('/')[1])",
    messageExpression:
      '"storage paths must have a common parent directory. Current paths: " + variables.mountPaths.join(", ")',
  },
]

const nameOf = "(has(c.predictor) && has(c.predictor.name) ? c.predictor.name : '')"

export const canaryRules: readonly Validation[] = [
  {
    expression: "size(variables.canaries) == 0 || variables.mode == 'Standard'",
    message: 'canary is only supported in Standard deployment mode',
  },
  {
    expression: 'size(variables.canaries) == 0 || size(variables.models) > 0',
    message: 'canary requires a stable predictor with a model (custom predictors are not supported)',
  },
  {
    expression: "variables.canaryNames.all(n, n != '')",
    messageExpression:
      '"canary[" + string(variables.canaryNames.indexOf("")) + "] predictor.name is required"',
  },
  {
    expression: 'variables.canaryNames.all(n, variables.canaryNames.exists_one(o, o == n))',
    messageExpression:
      '"canary predictor.name \\"" + variables.canaryNames.filter(n, !variables.canaryNames.exists_one(o, o == n))[0] + "\\" is duplicated"',
  },
  {
    expression: `!has(${predictor}.name) || !(${predictor}.name in variables.canaryNames)`,
    messageExpression: `"canary predictor.name \\"" + ${predictor}.name + "\\" conflicts with stable predictor name"`,
  },
  ...[
    ...['maxReplicas', 'scaleTarget', 'scaleMetric', 'autoScaling'].map((field) => [
      field,
      `must not set ${field} (canary uses fixed replicas)`,
    ]),
    ['workerSpec', 'must not set workerSpec (multi-node is not yet supported for canary)'],
  ].map(([field, words]) => ({
    expression: `variables.canaries.all(c, !has(c.predictor) || !has(c.predictor.${field}))`,
    messageExpression: `"canary \\"" + variables.canaries.filter(c, has(c.predictor) && has(c.predictor.${field})).map(c, ${nameOf})[0] + "\\" ${words}"`,
  })),
  {
    expression:
      'variables.canaries.all(c, !has(c.predictor) || !has(c.predictor.minReplicas) || c.predictor.minReplicas <= variables.stableMin)',
    messageExpression:
      'variables.canaries.filter(c, has(c.predictor) && has(c.predictor.minReplicas) && c.predictor.minReplicas > variables.stableMin)' +
      `.map(c, "canary \\"" + ${nameOf} + "\\" minReplicas (" + string(c.predictor.minReplicas) + ") must not exceed stable predictor minReplicas (" + string(variables.stableMin) + ")")[0]`,
  },
  {
    expression: 'variables.canaries.map(c, c.trafficPercent).sum() <= 100',
    messageExpression:
      '"sum of canary trafficPercent values (" + string(variables.canaries.map(c, c.trafficPercent).sum()) + ") must be <= 100"',
  },
]

const askedMode = "variables.annotations['serving.kserve.io/deploymentMode']"

export const updateRules: readonly Validation[] = [
  {
    expression:
      "variables.deployedMode == '' || !('serving.kserve.io/deploymentMode' in variables.annotations) || variables.mode == variables.deployedMode",
    messageExpression: `"update rejected: deploymentMode cannot be changed from '" + variables.deployedMode + "' to '" + ${askedMode} + "'"`,
  },
  {
    expression:
      "variables.deployedMode != 'Standard' || " +
      `(has(${predictor}.name) ? ${predictor}.name : '') == (has(oldObject.spec.predictor.name) ? oldObject.spec.predictor.name : '') || ` +
      [...frameworks, 'model']
        .map(
          (name) =>
            `(has(${predictor}.${name}) != has(oldObject.spec.predictor.${name}) || ` +
            `(has(${predictor}.${name}) && ${predictor}.${name} != oldObject.spec.predictor.${name}))`,
        )
        .join(' || '),
    message: 'predictor.name change requires a model change (e.g. storageUri)',
  },
]

export const ownRules: readonly Validation[] = [
  {
    expression: 'size(variables.unknownKeys) == 0',
    messageExpression: `"metadata.annotations[" + variables.unknownKeys[0] + "]: unknown key; known is ${ownKeys.join(', ')}"`,
  },
  {
    expression:
      "!('pilotlight.dev/sticky' in variables.annotations) || variables.annotations['pilotlight.dev/sticky']" +
      ".matches('^(header|cookie):[!#$%&\\'*+.^_`|~0-9A-Za-z-]+$')",
    messageExpression:
      '"metadata.annotations[pilotlight.dev/sticky]: \\"" + variables.annotations["pilotlight.dev/sticky"] + "\\" is not understood; allowed are header:NAME and cookie:NAME"',
  },
  {
    expression:
      "!('pilotlight.dev/policy' in variables.annotations) || variables.annotations['pilotlight.dev/policy'] == 'llm'",
    messageExpression:
      '"metadata.annotations[pilotlight.dev/policy]: \\"" + variables.annotations["pilotlight.dev/policy"] + "\\" is not known; allowed is llm"',
  },
]
