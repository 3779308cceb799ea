import { PART_OF, type Manifest } from './crds.ts'
import { listAt, setsPythonPath, type Validation, type Variable } from './policy-expressions.ts'
import { serviceRules, serviceVariables } from './service-policy.ts'

/**
 * What KServe's webhook refuses and a CRD's own rules cannot say, because it needs annotations, the object's name, or a
 * number in its message: ValidatingAdmissionPolicies, which the API server evaluates itself.
 */
const runtimeVariables: readonly Variable[] = [
  {
    name: 'badContainers',
    expression: `(${[listAt('object.spec.containers'), listAt('object.spec.workerSpec.containers')].join(' + ')}).filter(c, ${setsPythonPath})`,
  },
  {
    name: 'uneven',
    expression:
      '(has(object.spec.disabled) && object.spec.disabled) ? [] : ' +
      `${listAt('object.spec.supportedModelFormats')}.filter(f, has(f.autoSelect) && f.autoSelect && has(f.priority))`,
  },
]

const runtimeRules: readonly Validation[] = [
  {
    expression: 'size(variables.badContainers) == 0',
    messageExpression:
      '"Forbidden the " + object.kind + " \\"" + object.metadata.name + "\\" is invalid: setting PYTHONPATH in container \\"" + ' +
      '(has(variables.badContainers[0].name) ? variables.badContainers[0].name : \'\') + "\\" is not allowed for security reasons"',
  },
  {
    // KServe looks at it only where there are other runtimes: always in the cluster's, by its catalogue.
    expression:
      "object.kind != 'ClusterServingRuntime' || variables.uneven.all(f, variables.uneven.all(g, g.name != f.name || g.priority == f.priority))",
    messageExpression:
      '"Forbidden different priorities assigned for the model format " + ' +
      'variables.uneven.filter(f, variables.uneven.exists(g, g.name == f.name && g.priority != f.priority))[0].name + ' +
      '" under the clusterservingruntime " + object.metadata.name',
  },
]

interface Policy {
  readonly name: string
  readonly apiVersions: readonly string[]
  readonly resources: readonly string[]
  readonly variables: readonly Variable[]
  readonly validations: readonly Validation[]
}

const policiesOf: readonly Policy[] = [
  {
    name: 'inferenceservices.pilotlight.dev',
    apiVersions: ['v1beta1'],
    resources: ['inferenceservices'],
    variables: serviceVariables,
    validations: serviceRules,
  },
  {
    name: 'servingruntimes.pilotlight.dev',
    apiVersions: ['v1alpha1'],
    resources: ['servingruntimes', 'clusterservingruntimes'],
    variables: runtimeVariables,
    validations: runtimeRules,
  },
]

/** The policies and their bindings. */
export function policies(): readonly Manifest[] {
  return policiesOf.flatMap(({ name, apiVersions, resources, variables, validations }): Manifest[] => [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name, labels: PART_OF },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            { apiGroups: ['serving.kserve.io'], apiVersions, resources, operations: ['CREATE', 'UPDATE'] },
          ],
        },
        variables,
        validations: validations.map((validation) => ({ ...validation, reason: 'Invalid' })),
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name, labels: PART_OF },
      spec: { policyName: name, validationActions: ['Deny'] },
    },
  ])
}
