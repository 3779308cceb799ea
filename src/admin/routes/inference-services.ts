import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { ObjectNotFound, type InferenceServiceObject } from '../../control/view.ts'
import type { AdminOptions } from '../app.ts'
import { inNamespace, namespaceQuery, type NamespaceQuery } from '../namespace-query.ts'
import { errorResponses, listOf, namespacedParams, ref, type NamespacedParams } from '../schemas.ts'

const canaryBody = z.strictObject({ percent: z.int().min(0).max(100).nullable() })

export function inferenceServiceRoutes(app: FastifyInstance, options: AdminOptions): void {
  const { controlPlane, manifests } = options
  const tags = ['objects']

  app.get<{ Querystring: NamespaceQuery }>(
    '/api/v1/inferenceservices',
    {
      schema: {
        summary: 'All InferenceServices with their status',
        tags,
        querystring: namespaceQuery,
        response: {
          200: { description: 'By namespace and name', ...listOf('InferenceService') },
          ...errorResponses(400),
        },
      },
    },
    ({ query }, reply) => reply.send(inNamespace(controlPlane.snapshot(), query.namespace).services),
  )

  const one = '/api/v1/namespaces/:namespace/inferenceservices/:name'
  app.get<{ Params: NamespacedParams }>(
    one,
    {
      schema: {
        summary: 'One InferenceService with its status',
        tags,
        params: namespacedParams,
        response: {
          200: { description: 'The InferenceService', ...ref('InferenceService') },
          ...errorResponses(400, 404),
        },
      },
    },
    ({ params }, reply) => reply.send(find(params)),
  )

  app.delete<{ Params: NamespacedParams }>(
    one,
    {
      schema: {
        summary: 'Delete an InferenceService',
        tags,
        params: namespacedParams,
        response: { 204: { description: 'It is gone', type: 'null' }, ...errorResponses(400, 404) },
      },
    },
    async ({ params }, reply) => {
      await manifests.remove('InferenceService', params.namespace, params.name)
      return reply.code(204).send()
    },
  )

  app.put<{ Params: NamespacedParams; Body: z.infer<typeof canaryBody> }>(
    `${one}/canary`,
    {
      // zod, because the default validator would take "" for null: a promotion that nobody asked for.
      validatorCompiler:
        ({ httpPart }) =>
        (data: unknown) =>
          httpPart === 'body' ? checkCanary(data) : { value: data },
      schema: {
        summary: 'Set how many percent of the requests the latest revision gets',
        description:
          'Sets spec.predictor.canaryTrafficPercent. 0 turns back, null deletes the field: promotion.',
        tags,
        params: namespacedParams,
        body: {
          type: 'object',
          properties: { percent: { type: ['integer', 'null'], minimum: 0, maximum: 100 } },
          required: ['percent'],
          additionalProperties: false,
        },
        response: {
          204: { description: 'It is set', type: 'null' },
          ...errorResponses(400, 404, 413, 415, 422),
        },
      },
    },
    async ({ params, body }, reply) => {
      await manifests.setCanary(params.namespace, params.name, body.percent ?? undefined)
      return reply.code(204).send()
    },
  )

  function find({ namespace, name }: NamespacedParams): InferenceServiceObject {
    const found = controlPlane
      .snapshot()
      .services.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name)
    if (found === undefined) throw new ObjectNotFound(`InferenceService ${namespace}/${name} does not exist`)
    return found
  }
}

function checkCanary(data: unknown): { value: unknown } | { error: Error } {
  const parsed = canaryBody.safeParse(data)
  if (parsed.success) return { value: parsed.data }
  const error = new Error(
    `body: ${JSON.stringify(data)} is not valid; it must be {"percent": N} with a whole N from 0 to 100, or null`,
  )
  return { error }
}
