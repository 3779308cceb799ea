import { stringify } from 'yaml'
import { crds } from './crds.ts'
import { policies } from './policies.ts'
import { runtimes, storageContainers } from './runtimes.ts'
import { valuesSchema } from './values.ts'

const HEAD = '# Made by "npm run generate" from the schemas in src/kserve; changes here are overwritten.\n'

/** As YAML in one shape: no aliases, no folded lines, and quoted what YAML 1.1, which Go reads, takes for a boolean. */
function yaml(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, version: '1.1' })
}

/** Every generated file of the chart, by its path from the root of the repository. */
export function generatedFiles(): Readonly<Record<string, string>> {
  const folder = 'charts/pilotlight'
  return {
    ...Object.fromEntries(
      crds().map((crd) => [`${folder}/files/crds/${crd.metadata.name}.yaml`, HEAD + yaml(crd)]),
    ),
    [`${folder}/files/policies.yaml`]: HEAD + policies().map(yaml).join('---\n'),
    [`${folder}/files/runtimes.yaml`]: HEAD + yaml([...runtimes(), ...storageContainers()]),
    [`${folder}/values.schema.json`]: `${JSON.stringify(valuesSchema(), undefined, 2)}\n`,
  }
}
