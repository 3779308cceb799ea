import type { FastifyRequest } from 'fastify'
import { AdminError } from '../../admin/index.ts'
import type { AccessReview } from '../../kubernetes/index.ts'

/**
 * Whether a request asks for data of services: probes, metrics and the page are everybody's. It is the route that counts,
 * not the path as it was written, which can say the same in many ways: `/%61pi/v1/revisions`.
 */
export function isProtected({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.url?.startsWith('/api/') === true
}

/**
 * Lets through whoever may list the InferenceServices of the namespace that a request is about.
 * @throws AdminError UNAUTHORIZED or FORBIDDEN.
 */
export async function authorize(
  access: Pick<AccessReview, 'mayRead'>,
  request: FastifyRequest,
): Promise<void> {
  const [, token] = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (token === undefined) {
    throw new AdminError(
      'UNAUTHORIZED',
      'Authorization header: is missing; it must be Bearer TOKEN, of a user or service account of this cluster',
    )
  }
  const namespace = namespaceIn(request.params) ?? namespaceIn(request.query)
  const verdict = await access.mayRead(token, namespace).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error)
    throw new AdminError('NOT_READY', `the API server could not be asked what this token may do: ${why}`)
  })
  if (verdict === 'allowed') return
  if (verdict === 'unauthenticated') {
    throw new AdminError('UNAUTHORIZED', 'Authorization header: the API server does not know this token')
  }
  const where =
    namespace === undefined ? 'in all namespaces; name one with ?namespace=' : `in namespace ${namespace}`
  throw new AdminError('FORBIDDEN', `listing inferenceservices.serving.kserve.io is not allowed ${where}`)
}

/** As the handler reads it; undefined is all namespaces. */
function namespaceIn(fields: unknown): string | undefined {
  if (typeof fields !== 'object' || fields === null || !('namespace' in fields)) return undefined
  return typeof fields.namespace === 'string' ? fields.namespace : undefined
}
