import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Snapshot } from '../../control/view.ts'
import type { AdminOptions } from '../app.ts'
import { inNamespace, namespaceQuery, type NamespaceQuery } from '../namespace-query.ts'
import { errorResponses } from '../schemas.ts'

/** Proxies cut a silent stream after a minute or so, and a vanished client shows only on a write. */
const HEARTBEAT_MS = 15_000
/** How long a browser waits before it connects again. */
const RETRY_MS = 1000

export function eventRoutes(app: FastifyInstance, { controlPlane, clock, log }: AdminOptions): void {
  const stopping = new AbortController()
  app.addHook('preClose', async () => stopping.abort())
  // Ten browsers on the same snapshot cost one serialisation.
  const serialised = new WeakMap<Snapshot, Map<string | undefined, string>>()
  const eventOf = (snapshot: Snapshot, namespace: string | undefined): string => {
    let events = serialised.get(snapshot)
    if (events === undefined) serialised.set(snapshot, (events = new Map<string | undefined, string>()))
    let event = events.get(namespace)
    if (event === undefined) {
      event = `event: snapshot\ndata: ${JSON.stringify(inNamespace(snapshot, namespace))}\n\n`
      events.set(namespace, event)
    }
    return event
  }

  app.get<{ Querystring: NamespaceQuery }>(
    '/api/v1/events',
    {
      schema: {
        summary: 'Server-sent events: the snapshot now and after each change',
        description:
          'Each event is named `snapshot`; its data is the whole Snapshot. A reader that is slower than the changes skips to the newest.',
        tags: ['operations'],
        querystring: namespaceQuery,
        response: {
          200: { description: 'Events', content: { 'text/event-stream': { schema: { type: 'string' } } } },
          ...errorResponses(400),
        },
      },
    },
    async ({ query }, reply) => {
      reply.hijack()
      const response = reply.raw
      const gone = new AbortController()
      response.once('close', () => gone.abort())
      const signal = AbortSignal.any([gone.signal, stopping.signal])
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      response.write(`retry: ${RETRY_MS}\n\n`)
      void beat(response, signal)
      try {
        for await (const snapshot of controlPlane.follow(signal)) {
          // At most one event is buffered per client: nothing is taken from `follow` before it went out.
          if (!response.write(eventOf(snapshot, query.namespace))) await once(response, 'drain', { signal })
        }
      } catch (err) {
        if (!signal.aborted) log.error({ err }, 'following the snapshots failed')
      }
      response.end()
    },
  )

  async function beat(response: ServerResponse, signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await clock.sleep(HEARTBEAT_MS, signal)
        if (!response.writableNeedDrain) response.write(': still here\n\n')
      }
    } catch {
      // The stream is over: `sleep` rejects with the signal's reason, and there is nothing left to do.
    }
  }
}
