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
