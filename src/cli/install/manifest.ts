import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { KubeObject } from '../../kubernetes/api/index.ts'
import { objectsIn } from '../cluster/documents.ts'
import { CliError } from '../errors.ts'

const FILE = 'charts/dist/pilotlight.yaml'
/** The namespace that the file is made for. */
const FILE_NAMESPACE = 'pilotlight'

/** What has to be there before what: the rest goes after these. Deployments last, so that all they mount is there. */
const ORDER = ['Namespace', 'CustomResourceDefinition', 'ServiceAccount', 'ClusterRole', 'Role']
const LAST = ['Deployment', 'ValidatingAdmissionPolicyBinding']

/** The objects of an installation in a namespace, in the order in which they are made. @throws CliError */
export function readManifest(namespace: string): readonly KubeObject[] {
  const objects = objectsIn(readFileSync(findFile(), 'utf8'), FILE).map((object) => into(object, namespace))
  return objects.toSorted((a, b) => rank(a) - rank(b))
}

/** It stands three folders up from src/cli/install, and four from dist/src/cli/install. */
function findFile(): string {
  const files = ['../../../', '../../../../'].map((up) =>
    fileURLToPath(new URL(`${up}${FILE}`, import.meta.url)),
  )
  const found = files.find((file) => existsSync(file))
  if (found !== undefined) return found
  throw new CliError('failed', `${files[0]} is missing: this installation of the package is not complete`)
}

function rank({ kind }: KubeObject): number {
  const first = ORDER.indexOf(kind)
  return first >= 0 ? first : ORDER.length + LAST.indexOf(kind) + 1
}

interface Bound extends KubeObject {
  readonly subjects?: readonly { readonly namespace?: string }[]
  readonly stringData?: Readonly<Record<string, string>>
}

/** The object for another namespace than the file's: its own, those of subjects, and the address of Redis. */
function into(object: Bound, namespace: string): KubeObject {
  const { metadata, subjects, stringData } = object
  const isNamespace = object.kind === 'Namespace' && metadata.name === FILE_NAMESPACE
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(isNamespace ? { name: namespace } : {}),
      ...(metadata.namespace === FILE_NAMESPACE ? { namespace } : {}),
    },
    ...(subjects === undefined
      ? {}
      : {
          subjects: subjects.map((subject) =>
            subject.namespace === FILE_NAMESPACE ? { ...subject, namespace } : subject,
          ),
        }),
    ...(stringData === undefined
      ? {}
      : {
          stringData: Object.fromEntries(
            Object.entries(stringData).map(([key, text]) => [
              key,
              text.replaceAll(`.${FILE_NAMESPACE}.svc.`, `.${namespace}.svc.`),
            ]),
          ),
        }),
  }
}
