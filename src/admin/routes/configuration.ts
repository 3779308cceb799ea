import type { FastifyInstance } from 'fastify'
import type { AdminOptions } from '../app.ts'
import { AdminError } from '../errors.ts'
import { inNamespace, namespaceQuery, type NamespaceQuery } from '../namespace-query.ts'
import { errorResponses, listOf, namespacedParams, objectName, type NamespacedParams } from '../schemas.ts'

const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml', 'text/plain']

/** Manifests in and out, and what is wrong with those that were read. */
export function configurationRoutes(app: FastifyInstance, { controlPlane, manifests }: AdminOptions): void {
  const tags = ['objects']
  // JSON is YAML: the store reads both, so it gets the text as it came.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    [...YAML_TYPES, 'application/json'],
    { parseAs: 'string' },
    async (_request: unknown, body: string) => body,
  )

  app.post<{ Body: string }>(
    '/api/v1/apply',
    {
      schema: {
        summary: 'Apply one or more manifests, as kubectl apply does',
        description: 'All documents are checked first; if one is refused, none is taken.',
        tags,
        consumes: YAML_TYPES,
        body: {
          content: Object.fromEntries(
            [...YAML_TYPES, 'application/json'].map((type) => [type, { schema: { type: 'string' } }]),
          ),
        },
        response: {
          200: { description: 'What became of each document', ...listOf('AppliedObject') },
          ...errorResponses(400, 413, 415, 422),
        },
      },
    },
    async ({ body }) => {
      if (typeof body !== 'string' || body.trim() === '') {
        throw new AdminError('BAD_REQUEST', 'body: is empty; it must be one or more YAML documents')
      }
      return manifests.apply(body)
    },
  )

  app.delete<{ Params: NamespacedParams }>(
    '/api/v1/namespaces/:namespace/servingruntimes/:name',
    {
      schema: {
        summary: 'Delete a ServingRuntime',
        tags,
        params: namespacedParams,
        response: { 204: { description: 'It is gone', type: 'null' }, ...errorResponses(400, 404) },
      },
    },
    async ({ params }, reply) => {
      await manifests.remove('ServingRuntime', params.namespace, params.name)
      return reply.code(204).send()
    },
  )

  app.delete<{ Params: { name: string } }>(
    '/api/v1/clusterservingruntimes/:name',
    {
      schema: {
        summary: 'Delete a ClusterServingRuntime',
        tags,
        params: {
          type: 'object',
          properties: { name: { ...objectName, description: 'name' } },
          required: ['name'],
        },
        response: { 204: { description: 'It is gone', type: 'null' }, ...errorResponses(400, 404) },
      },
    },
    async ({ params }, reply) => {
      await manifests.remove('ClusterServingRuntime', '', params.name)
      return reply.code(204).send()
    },
  )

  app.get<{ Querystring: NamespaceQuery }>(
    '/api/v1/problems',
    {
      schema: {
        summary: 'Documents that were refused, or accepted and cannot be served',
        tags,
        querystring: namespaceQuery,
        response: { 200: { description: 'Problems', ...listOf('Problem') }, ...errorResponses(400) },
      },
    },
    ({ query }, reply) => reply.send(inNamespace(controlPlane.snapshot(), query.namespace).problems),
  )
}
