import type { ManifestDocument } from './documents.ts'
import { deploymentModeKey } from './keys.ts'
import { isObject } from './unknown-fields.ts'

/** The same document with the mode set to Standard where it names one; ModelMesh stays what it is. */
export function inStandardMode(document: ManifestDocument): ManifestDocument {
  const { value } = document
  if (!isObject(value) || !isObject(value['metadata'])) return document
  const { metadata } = value
  const annotations = isObject(metadata['annotations']) ? metadata['annotations'] : {}
  const given = annotations[deploymentModeKey]
  if (given === undefined || given === 'ModelMesh') return document
  return {
    ...document,
    value: {
      ...value,
      metadata: { ...metadata, annotations: { ...annotations, [deploymentModeKey]: 'Standard' } },
    },
  }
}
