/** An InferenceService whose model is the fixture server of `harness.ts`. */
export function service(
  name: string,
  options: {
    readonly version?: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly predictor?: Readonly<Record<string, unknown>>
  } = {},
): string {
  return `${JSON.stringify({
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name, annotations: options.annotations ?? {} },
    spec: {
      predictor: {
        ...options.predictor,
        model: {
          modelFormat: { name: 'fixture' },
          env: [{ name: 'VERSION', value: options.version ?? 'v1' }],
        },
      },
    },
  })}\n`
}
