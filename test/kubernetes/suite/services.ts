/** An iris service as KServe's users write it; the parts go over the model and the metadata. */
export function irisService(
  name: string,
  parts: {
    readonly predictor?: object
    readonly model?: object
    readonly annotations?: Readonly<Record<string, string>>
  } = {},
): object {
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name, annotations: parts.annotations ?? {} },
    spec: {
      predictor: {
        ...parts.predictor,
        model: { modelFormat: { name: 'sklearn' }, storageUri: 'gs://models/sklearn/iris', ...parts.model },
      },
    },
  }
}

/** A service of a server that tests can see into: test/kubernetes/images/model-server.ts says what it answers. */
export function standInService(
  name: string,
  parts: {
    readonly predictor?: object
    readonly container?: object
    readonly env?: Readonly<Record<string, string | number>>
    readonly annotations?: Readonly<Record<string, string>>
  } = {},
): object {
  const env = Object.entries(parts.env ?? {}).map(([variable, value]) => ({
    name: variable,
    value: String(value),
  }))
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name, annotations: parts.annotations ?? {} },
    spec: {
      predictor: {
        ...parts.predictor,
        containers: [
          {
            name: 'kserve-container',
            image: 'testbed/model-server:1',
            imagePullPolicy: 'Never',
            env,
            ...parts.container,
          },
        ],
      },
    },
  }
}
