import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { ObjectNotFound } from '../../control/view.ts'
import { qualified } from '../../core/names.ts'
import type { AdminOptions } from '../app.ts'
import { errorResponses, namespacedParams, type NamespacedParams } from '../schemas.ts'

const TAIL_LINES_MAX = 100_000

export function logRoutes(app: FastifyInstance, { controlPlane, logs, log }: AdminOptions): void {
  app.get<{ Params: NamespacedParams; Querystring: { tailLines?: number; follow: boolean } }>(
    '/api/v1/namespaces/:namespace/replicas/:name/logs',
    {
      schema: {
        summary: 'Log lines of a replica, oldest first',
        tags: ['operations'],
        params: namespacedParams,
        querystring: {
          type: 'object',
          properties: {
            tailLines: {
              type: 'integer',
              minimum: 0,
              maximum: TAIL_LINES_MAX,
              description: 'only the last so many lines; absent = all that are kept',
            },
            follow: { type: 'boolean', default: false, description: 'go on with new lines' },
          },
          additionalProperties: false,
        },
        response: {
          200: { description: 'A line each', content: { 'text/plain': { schema: { type: 'string' } } } },
          ...errorResponses(400, 404),
        },
      },
    },
    async ({ params, query }, reply) => {
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const replica = qualified(params.namespace, params.name)
      const { tailLines, follow } = query
      const source = logs.read(
        replica,
        { follow, ...(tailLines === undefined ? {} : { tailLines }) },
        gone.signal,
      )
      const lines = source[Symbol.asyncIterator]()
      // A replica that is not in the snapshot may have ended and left its log, or never have been: its first line
      // decides between 200 and 404. One that is there may stay silent for long: its answer begins at once.
      const exists = controlPlane.snapshot().replicas.some(({ name }) => name === replica)
      const first = exists ? undefined : await lines.next()
      const body = Readable.from(textOf(first, lines), { objectMode: false })
      body.once('error', (err) => log.warn({ err, replica }, 'reading the log of a replica failed'))
      return reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store').send(body)
    },
  )
}

async function* textOf(
  first: IteratorResult<string> | undefined,
  lines: AsyncIterator<string>,
): AsyncGenerator<string> {
  try {
    for (let next = first ?? (await lines.next()); next.done !== true; next = await lines.next()) {
      yield `${next.value}\n`
    }
  } catch (error) {
    // It exists and wrote nothing yet (it waits for a place, say): an empty log.
    if (!(error instanceof ObjectNotFound)) throw error
  } finally {
    await lines.return?.()
  }
}
