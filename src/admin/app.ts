import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { ControlPlane, ManifestStore, ReplicaLogs } from '../control/view.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/telemetry.ts'
import { answerError, describeInvalid, errorBody } from './errors.ts'
import { guardOrigin } from './guard.ts'
import { configurationRoutes } from './routes/configuration.ts'
import { eventRoutes } from './routes/events.ts'
import { inferenceServiceRoutes } from './routes/inference-services.ts'
import { logRoutes } from './routes/logs.ts'
import { pageRoutes } from './routes/page.ts'
import { probeRoutes, type ProbeOptions } from './routes/probes.ts'
import { scalingRoutes } from './routes/scaling.ts'
import { errorResponses, sharedSchemas } from './schemas.ts'

export interface AdminOptions extends ProbeOptions {
  readonly controlPlane: ControlPlane
  readonly manifests: ManifestStore
  readonly logs: ReplicaLogs
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  /** Host names, besides localhost and loopback addresses, by which this API may be called; `*` = any. */
  readonly allowedHosts?: readonly string[]
  /** Looks at each request before anything is answered; what it throws is the answer. */
  readonly guard?: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
}

/** Only what probes and Prometheus ask, for a process that has no control plane. Not yet listening. */
export function buildProbes(options: ProbeOptions & { readonly log: Log }): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true })
  app.setErrorHandler<Error>((error, request, reply) => answerError(error, request, reply, options.log))
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send(
        errorBody(
          'NOT_FOUND',
          `there is no ${request.method} ${request.url} here; this process has /healthz, /readyz and /metrics`,
        ),
      ),
  )
  for (const schema of sharedSchemas) app.addSchema(schema)
  probeRoutes(app, options)
  return app
}

/** Manifests are text; 4 MiB is far above what an API server takes (1.5 MiB). */
const BODY_BYTES_MAX = 4 * 1024 * 1024

/** The admin app, not yet listening: `await app.listen({ host, port })`, then `await app.close()`. */
export async function buildAdmin(options: AdminOptions): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    // Streams (events, logs) last for hours: a stop ends them at once instead of waiting for their clients.
    forceCloseConnections: true,
    // Field names that nothing reads are an error, not silently dropped.
    ajv: { customOptions: { removeAdditional: false, verbose: true } },
    schemaErrorFormatter: describeInvalid,
  })
  // The schemas describe the answers; they must not cut fields out of them (`spec` is whatever its author wrote).
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.setErrorHandler<Error>((error, request, reply) => answerError(error, request, reply, options.log))
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send(errorBody('NOT_FOUND', `there is no ${request.method} ${request.url}; see /openapi.json`)),
  )
  app.addHook('onRequest', guardOrigin(options.allowedHosts ?? []))
  for (const schema of sharedSchemas) app.addSchema(schema)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Pilotlight admin API',
        version: options.version,
        description:
          'What is configured, what runs and why it scaled. Times are epoch milliseconds unless they are RFC 3339 strings.',
      },
      tags: [
        { name: 'objects', description: 'InferenceServices and other manifests' },
        { name: 'scaling', description: 'Routes, revisions, replicas, decisions' },
        { name: 'operations', description: 'Probes, metrics, logs, events' },
      ],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) =>
        typeof json['$id'] === 'string' ? json['$id'] : `def-${index}`,
    },
  })
  if (options.guard !== undefined) app.addHook('onRequest', options.guard)
  const { controlPlane, metrics, unready } = options
  await app.register(async (scope) =>
    probeRoutes(scope, {
      metrics,
      unready: () => (controlPlane.isReady() ? unready?.() : 'the configuration is still being read'),
    }),
  )
  for (const routes of [
    inferenceServiceRoutes,
    configurationRoutes,
    scalingRoutes,
    logRoutes,
    eventRoutes,
    pageRoutes,
  ]) {
    await app.register(async (scope) => routes(scope, options))
  }
  app.get(
    '/openapi.json',
    {
      schema: {
        summary: 'This API as an OpenAPI 3.1 document',
        tags: ['operations'],
        response: {
          200: { description: 'The document', type: 'object', additionalProperties: true },
          ...errorResponses(),
        },
      },
    },
    () => app.swagger(),
  )
  return app
}
