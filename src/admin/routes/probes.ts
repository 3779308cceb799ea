import type { FastifyInstance } from 'fastify'
import { AdminError } from '../errors.ts'
import { errorResponses } from '../schemas.ts'

const plainText = (description: string): object => ({
  description,
  content: { 'text/plain': { schema: { type: 'string' } } },
})

/** What the probes of a process show. */
export interface ProbeOptions {
  /** What GET /metrics answers; PromMetrics is one. */
  readonly metrics: { readonly contentType: string; expose(): Promise<string> }
  /** Why this process should get no requests though it answers: `the gateway is stopping`. */
  readonly unready?: () => string | undefined
}

/** What probes and Prometheus ask. */
export function probeRoutes(app: FastifyInstance, { metrics, unready }: ProbeOptions): void {
  app.get(
    '/healthz',
    {
      schema: {
        summary: 'Whether the process answers at all',
        tags: ['operations'],
        response: { 200: plainText('ok'), ...errorResponses() },
      },
    },
    async (_request, reply) => reply.type('text/plain').send('ok\n'),
  )
  app.get(
    '/readyz',
    {
      schema: {
        summary:
          'Whether requests should come here: the configuration was read once, and the process is not stopping',
        tags: ['operations'],
        response: { 200: plainText('ok'), ...errorResponses(503) },
      },
    },
    async (_request, reply) => {
      const reason = unready?.()
      if (reason !== undefined) throw new AdminError('NOT_READY', reason)
      return reply.type('text/plain').send('ok\n')
    },
  )
  app.get(
    '/metrics',
    {
      schema: {
        summary: 'Metrics in the text format of Prometheus',
        tags: ['operations'],
        response: { 200: plainText('docs/metrics.md lists them'), ...errorResponses() },
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.expose()),
  )
}
