import type { FastifyInstance } from 'fastify'
import { ObjectNotFound } from '../../control/view.ts'
import { qualified } from '../../core/names.ts'
import type { AdminOptions } from '../app.ts'
import { inNamespace, namespaceQuery, type NamespaceQuery } from '../namespace-query.ts'
import { errorResponses, listOf, namespacedParams, type NamespacedParams } from '../schemas.ts'

const DECISIONS_MAX = 1000

/** What routes, runs and scales, and why. */
export function scalingRoutes(app: FastifyInstance, { controlPlane }: AdminOptions): void {
  const tags = ['scaling']
  const lists = [
    ['routes', 'Route', 'All routes with their splits'],
    ['revisions', 'Revision', 'All revisions with their replicas, load and last decision'],
    ['replicas', 'Replica', 'All replicas, ready or not'],
  ] as const
  for (const [key, schema, summary] of lists) {
    app.get<{ Querystring: NamespaceQuery }>(
      `/api/v1/${key}`,
      {
        schema: {
          summary,
          tags,
          querystring: namespaceQuery,
          response: { 200: { description: summary, ...listOf(schema) }, ...errorResponses(400) },
        },
      },
      ({ query }, reply) => reply.send(inNamespace(controlPlane.snapshot(), query.namespace)[key]),
    )
  }

  app.get<{ Params: NamespacedParams; Querystring: { limit: number } }>(
    '/api/v1/namespaces/:namespace/revisions/:name/decisions',
    {
      schema: {
        summary: 'The newest decisions of a revision, newest last',
        tags,
        params: namespacedParams,
        querystring: {
          type: 'object',
          properties: {
            limit: {
              type: 'integer',
              minimum: 1,
              maximum: DECISIONS_MAX,
              default: 20,
              description: 'how many at most',
            },
          },
          additionalProperties: false,
        },
        response: { 200: { description: 'Decisions', ...listOf('Decision') }, ...errorResponses(400, 404) },
      },
    },
    ({ params, query }, reply) => {
      const decisions = controlPlane.decisions(qualified(params.namespace, params.name))
      if (decisions === undefined) {
        throw new ObjectNotFound(`revision ${params.namespace}/${params.name} does not exist`)
      }
      return reply.send(decisions.slice(-query.limit))
    },
  )
}
