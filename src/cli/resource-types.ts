import { CliError } from './errors.ts'

export type ResourceType = 'inferenceservices' | 'revisions' | 'replicas'

/** The names by which people call each type, the full one first. */
const aliases: Readonly<Record<ResourceType, readonly string[]>> = {
  inferenceservices: ['inferenceservices', 'inferenceservice', 'isvc', 'inferenceservices.serving.kserve.io'],
  revisions: ['revisions', 'revision', 'rev', 'revs'],
  replicas: ['replicas', 'replica', 'pods', 'pod', 'po'],
}

export const resourceTypes = Object.keys(aliases)

/** @throws CliError (usage) naming what there is. */
export function resourceType(word: string): ResourceType {
  const lower = word.toLowerCase()
  if (aliases.inferenceservices.includes(lower)) return 'inferenceservices'
  if (aliases.revisions.includes(lower)) return 'revisions'
  if (aliases.replicas.includes(lower)) return 'replicas'
  throw new CliError(
    'usage',
    `TYPE: ${JSON.stringify(word)} is not known; it is one of inferenceservices (isvc), revisions (rev), replicas (pods)`,
  )
}

/** What `delete` takes: the kind of the manifest, whether it lives in a namespace, and its names on the command line. */
const deletable = [
  { kind: 'InferenceService', words: aliases.inferenceservices },
  { kind: 'ServingRuntime', words: ['servingruntime', 'servingruntimes'] },
  { kind: 'ClusterServingRuntime', words: ['clusterservingruntime', 'clusterservingruntimes'] },
] as const

export type DeletableKind = (typeof deletable)[number]['kind']

/** The kind that a word on the command line, or `kind` in a manifest, stands for. */
export function deletableKind(word: string): DeletableKind {
  const lower = word.toLowerCase()
  const found = deletable.find(({ words }) => (words as readonly string[]).includes(lower))
  if (found !== undefined) return found.kind
  throw new CliError(
    'usage',
    `TYPE: ${JSON.stringify(word)} cannot be deleted; it is one of ${deletable.map(({ kind }) => kind).join(', ')}`,
  )
}
