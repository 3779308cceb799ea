import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { controllerPermissions, gatewayPermissions, type Permission } from './permissions.ts'

const roleSchema = z.object({
  kind: z.enum(['Role', 'ClusterRole']),
  metadata: z.object({ name: z.string() }),
  rules: z.array(
    z.object({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      resourceNames: z.array(z.string()).default(['']),
      verbs: z.array(z.string()),
    }),
  ),
})

/** `verb resource.group name` of each thing that the plain file's roles of this name grant. */
function granted(name: string): string[] {
  const text = readFileSync(new URL('../../../charts/dist/pilotlight.yaml', import.meta.url), 'utf8')
  const documents = parseAllDocuments(text)
  if (!Array.isArray(documents)) throw new Error('the file is empty')
  return documents
    .map((document) => roleSchema.safeParse(document.toJS()))
    .flatMap(({ data }) => (data?.metadata.name === name ? [data] : []))
    .flatMap(({ kind, rules }) =>
      rules.flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) =>
            resourceNames.flatMap((one) =>
              verbs.map((verb) => `${kind}: ${verb} ${resource}.${group} ${one}`),
            ),
          ),
        ),
      ),
    )
    .sort()
}

function asked(permissions: readonly Permission[]): string[] {
  return permissions
    .flatMap(({ group, resource, verbs, isLocal, resourceName = '' }) =>
      verbs.map(
        (verb) =>
          `${isLocal === true ? 'Role' : 'ClusterRole'}: ${verb} ${resource}.${group} ${resourceName}`,
      ),
    )
    .sort()
}

describe('the permissions that doctor asks about are those that the chart grants', () => {
  it('to the controllers', () => {
    const config = { shipsRuntimes: true, usesGatewayApi: false, usesIngress: false }
    expect(asked(controllerPermissions(config))).toEqual(granted('pilotlight-controller'))
  })

  it('to the gateways', () => {
    expect(asked(gatewayPermissions())).toEqual(granted('pilotlight-gateway'))
  })

  it('with what is only needed where it is configured', () => {
    const config = { shipsRuntimes: false, usesGatewayApi: true, usesIngress: true }
    const all = asked(controllerPermissions(config))
    expect(all).toContain('ClusterRole: patch httproutes.gateway.networking.k8s.io ')
    expect(all).toContain('Role: patch referencegrants.gateway.networking.k8s.io ')
    expect(all).toContain('ClusterRole: patch ingresses.networking.k8s.io ')
    expect(all).not.toContain('ClusterRole: patch clusterservingruntimes.serving.kserve.io ')
  })
})
