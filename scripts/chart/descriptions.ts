import { fieldsOf, type StructuralSchema } from './structural.ts'

/** What `kubectl explain` says of the fields that are KServe's own or ours; those of pods are Kubernetes'. */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  predictor: 'What answers the requests.',
  transformer: 'What requests and answers pass through on their way to the predictor and back.',
  explainer: 'What answers :explain.',
  canary: 'Further predictors, each with a share of the traffic; Standard mode only.',
  minReplicas: 'The smallest number of replicas; default 1, 0 = may sleep.',
  maxReplicas: 'The largest number of replicas; 0 = no bound.',
  scaleTarget: 'What one replica should have of scaleMetric.',
  containerConcurrency: 'The most requests that one replica works on at once; 0 = any number.',
  timeout: 'The longest time for a request, in seconds.',
  canaryTrafficPercent: 'The share of the latest revision, 0 to 100; without it all.',
  trafficPercent: 'The share of this canary, 0 to 100.',
  modelFormat: 'The format of the model, which a runtime has to support.',
  protocolVersion: 'v1, v2, grpc-v1 or grpc-v2.',
  storageUri: 'Where the model lies, such as s3://bucket/path or pvc://claim/path.',
  storageUris: 'Several places, each with the folder in which the server finds it.',
  runtimeVersion: 'The tag of the image of the runtime.',
  supportedModelFormats: 'The formats that this runtime reads, and whether it is chosen for them by itself.',
  protocolVersions: 'The protocols that this runtime speaks.',
  disabled: 'Whether it is never used.',
}

/** Adds them in place. */
export function describeFields(schema: StructuralSchema): void {
  for (const { name, schema: field } of fieldsOf(schema)) {
    const description = DESCRIPTIONS[name]
    if (description !== undefined) field.description ??= description
  }
}
