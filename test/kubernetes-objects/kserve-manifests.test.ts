import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/kubernetes/api/kube-object.ts'
import { deploymentOf, servicesOf } from '../../src/kubernetes/objects/index.ts'
import { fieldsIn } from '../../src/kubernetes/objects/json.ts'
import { deployed } from '../support/kserve-service.ts'
import { at, gateway, podOf, storage } from '../support/kube-objects.ts'
import { sharedDir } from '../support/shared.ts'

const folder = sharedDir === undefined ? undefined : join(sharedDir, 'kserve', 'manifests')
const files = folder === undefined ? [] : (await readdir(folder)).filter((file) => file.endsWith('.yaml'))

/** Fields of a container that Kubernetes knows: server-side apply refuses another. */
const CONTAINER_FIELDS = new Set(
  (
    'name image command args workingDir ports env envFrom resources volumeMounts volumeDevices livenessProbe ' +
    'readinessProbe startupProbe lifecycle terminationMessagePath terminationMessagePolicy imagePullPolicy ' +
    'securityContext stdin stdinOnce tty restartPolicy'
  ).split(' '),
)
const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/

/** What an API server would refuse. */
function problemsOf(deployment: KubeObject): string[] {
  const pod = podOf(deployment)
  const containers = [...fieldsIn(pod['containers']), ...fieldsIn(pod['initContainers'])]
  const names = containers.map((container) => container['name'])
  const volumes = new Set(fieldsIn(pod['volumes']).map(({ name }) => name))
  const problems = containers.flatMap((container) => [
    ...Object.keys(container).filter((field) => !CONTAINER_FIELDS.has(field)),
    ...fieldsIn(container['volumeMounts']).flatMap(({ name }) =>
      volumes.has(name) ? [] : [`no volume ${String(name)}`],
    ),
    ...['readinessProbe', 'livenessProbe', 'startupProbe'].filter((probe) => {
      const httpGet = at(container, probe, 'httpGet')
      return httpGet !== undefined && at(httpGet, 'port') === undefined
    }),
  ])
  if (new Set(names).size < names.length) problems.push('two containers of one name')
  if (!NAME.test(deployment.metadata.name)) problems.push(deployment.metadata.name)
  return [...problems, ...(/\{\{|scheme-placeholder|appProtocol/.exec(JSON.stringify(deployment)) ?? [])]
}

describe.skipIf(folder === undefined)('every manifest that is taken', () => {
  it('is there', () => expect(files.length).toBeGreaterThan(100))

  it.each(files)('%s becomes Deployments and Services that an API server takes', async (file) => {
    const text = await readFile(join(folder ?? '', file), 'utf8')
    for (const { service, revisions, routes } of deployed(text, { file })) {
      for (const revision of revisions) {
        const deployment = deploymentOf({ service, revision, ownerUid: 'uid', storage })
        expect(problemsOf(deployment)).toEqual([])
      }
      for (const { metadata } of servicesOf(service, 'uid', routes, gateway))
        expect(metadata.name).toMatch(NAME)
    }
  })
})
