import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import type { ApiClient } from '../../../src/kubernetes/index.ts'

/** One thing that a service account may do, or has done: `pilotlight-gateway: patch deployments.apps/scale`. */
export type Permission = string

interface Parts {
  readonly account: string
  readonly verb: string
  readonly group: string
  /** With its subresource: `deployments/scale`. */
  readonly resource: string
}

function permission({ account, verb, group, resource }: Parts): Permission {
  const [plural = '', subresource] = resource.split('/')
  const name = group === '' ? plural : `${plural}.${group}`
  return `${account}: ${verb} ${name}${subresource === undefined ? '' : `/${subresource}`}`
}

const bindingsSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ namespace: z.string().optional() }),
      roleRef: z.object({ kind: z.string(), name: z.string() }),
      subjects: z
        .array(z.object({ kind: z.string(), name: z.string(), namespace: z.string().optional() }))
        .default([]),
    }),
  ),
})

const roleSchema = z.object({
  rules: z.array(
    z.object({
      apiGroups: z.array(z.string()).default([]),
      resources: z.array(z.string()).default([]),
      verbs: z.array(z.string()),
    }),
  ),
})

const RBAC = '/apis/rbac.authorization.k8s.io/v1'

/** Everything that roles grant to service accounts of a namespace by name. */
export async function grantedIn(
  client: ApiClient,
  namespace: string,
  accounts: readonly string[],
): Promise<ReadonlySet<Permission>> {
  const granted = new Set<Permission>()
  for (const bindings of ['clusterrolebindings', 'rolebindings']) {
    const { items } = bindingsSchema.parse(await client.raw('GET', `${RBAC}/${bindings}`))
    for (const { metadata, roleRef, subjects } of items) {
      const mine = subjects.filter(
        (subject) =>
          subject.kind === 'ServiceAccount' &&
          subject.namespace === namespace &&
          accounts.includes(subject.name),
      )
      if (mine.length === 0) continue
      const path =
        roleRef.kind === 'Role'
          ? `namespaces/${metadata.namespace}/roles/${roleRef.name}`
          : `clusterroles/${roleRef.name}`
      const { rules } = roleSchema.parse(await client.raw('GET', `${RBAC}/${path}`))
      for (const { name: account } of mine) {
        for (const { apiGroups, resources, verbs } of rules) {
          for (const group of apiGroups) {
            for (const resource of resources) {
              for (const verb of verbs) granted.add(permission({ account, verb, group, resource }))
            }
          }
        }
      }
    }
  }
  return granted
}

const eventSchema = z.object({
  verb: z.string(),
  requestURI: z.string(),
  user: z.object({ username: z.string() }),
  objectRef: z
    .object({ resource: z.string(), subresource: z.string().optional(), apiGroup: z.string().default('') })
    .optional(),
  responseStatus: z.object({ code: z.number(), message: z.string().optional() }).optional(),
})

export interface Calls {
  readonly used: ReadonlySet<Permission>
  /** What was answered with 403 to the end, and why. */
  readonly refused: readonly string[]
}

/**
 * What an audit log says that service accounts have done. An API server that has just started refuses everything for a
 * moment, until it has read its roles: what it allowed later does not count as refused.
 */
export function callsIn(auditLog: string): Calls {
  const used = new Set<Permission>()
  const refused = new Map<string, string>()
  // There is none before the first call.
  const text = existsSync(auditLog) ? readFileSync(auditLog, 'utf8') : ''
  // The last line may be half written.
  for (const line of text.split('\n').slice(0, -1)) {
    const { verb, user, objectRef, responseStatus, requestURI } = eventSchema.parse(JSON.parse(line))
    const account = user.username.replace(/^.*:/, '')
    const { code = 0, message = '' } = responseStatus ?? {}
    const call = `${account}: ${verb} ${requestURI.replace(/\?.*$/, '')}`
    if (code !== 403) refused.delete(call)
    else if (!isEnding(message)) refused.set(call, message)
    if (objectRef === undefined) continue
    const { resource: plural, subresource, apiGroup: group } = objectRef
    const resource = subresource === undefined ? plural : `${plural}/${subresource}`
    used.add(permission({ account, verb, group, resource }))
    // To apply what is not there yet needs the permission to create it.
    if (verb === 'patch' && code === 201) used.add(permission({ account, verb: 'create', group, resource }))
  }
  return { used, refused: [...refused].map(([call, message]) => `${call}: ${message}`) }
}

/** Not for lack of permission: nobody may make anything in a namespace that is being deleted. */
function isEnding(message: string): boolean {
  return message.includes('because it is being terminated')
}

const groupsSchema = z.object({
  groups: z.array(z.object({ preferredVersion: z.object({ groupVersion: z.string() }) })),
})
const resourcesSchema = z.object({
  groupVersion: z.string(),
  resources: z.array(z.object({ name: z.string(), namespaced: z.boolean(), verbs: z.array(z.string()) })),
})

const READING = new Set(['get', 'list', 'watch'])
/** Verbs that no discovery names. */
const SPECIAL = ['bind', 'escalate', 'impersonate', 'approve', 'sign', 'use']

export interface Write {
  readonly group: string
  readonly resource: string
  readonly verb: string
}

/** Every verb that changes something, of every resource that the API server has. */
export async function allWrites(client: ApiClient): Promise<readonly Write[]> {
  const { groups } = groupsSchema.parse(await client.raw('GET', '/apis'))
  const paths = ['/api/v1', ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)]
  const lists = await Promise.all(
    paths.map(async (path) => resourcesSchema.parse(await client.raw('GET', path))),
  )
  return lists.flatMap(({ groupVersion, resources }) =>
    resources.flatMap(({ name: resource, verbs }) => {
      const group = groupVersion.includes('/') ? groupVersion.replace(/\/.*$/, '') : ''
      const writing = new Set([...verbs.filter((verb) => !READING.has(verb)), ...SPECIAL])
      return [...writing].map((verb) => ({ group, resource, verb }))
    }),
  )
}

/** Whether a service account may do it in a namespace, or with undefined in all. */
export async function may(
  client: ApiClient,
  account: { readonly name: string; readonly namespace: string },
  { group, resource, verb }: Write,
  namespace: string | undefined,
): Promise<boolean> {
  const [plural, subresource] = resource.split('/')
  const of = `system:serviceaccounts:${account.namespace}`
  const review: { readonly status?: { readonly allowed?: boolean } } = await client.raw(
    'POST',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    {
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: `system:serviceaccount:${account.namespace}:${account.name}`,
          groups: ['system:serviceaccounts', of, 'system:authenticated'],
          resourceAttributes: { group, resource: plural, subresource, verb, namespace },
        },
      },
    },
  )
  return review.status?.allowed === true
}
