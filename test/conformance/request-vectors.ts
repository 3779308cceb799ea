import { z } from 'zod'
import { ConcurrencyMeter } from '../../activator/concurrency-meter.ts'
import { difference, first } from './compare.ts'
import { vectorKind } from './vector-kind.ts'

const op = z.discriminatedUnion('op', [
  z.object({ op: z.enum(['req_in', 'req_out', 'proxied_in', 'proxied_out']), t_ms: z.number() }),
  z.object({
    op: z.literal('report'),
    t_ms: z.number(),
    want: z.object({
      average_concurrency: z.number(),
      average_proxied_concurrency: z.number(),
      request_count: z.number(),
      proxied_request_count: z.number(),
    }),
  }),
])

/** A proxied request is counted by both meters: the second sees only those. */
export const requestStats = vectorKind('request_stats', z.object({ ops: z.array(op) }), ({ ops }) => {
  const all = new ConcurrencyMeter(0)
  const proxied = new ConcurrencyMeter(0)
  for (const [index, step] of ops.entries()) {
    switch (step.op) {
      case 'proxied_in':
        proxied.enter(step.t_ms)
        all.enter(step.t_ms)
        break
      case 'req_in':
        all.enter(step.t_ms)
        break
      case 'proxied_out':
        proxied.leave(step.t_ms)
        all.leave(step.t_ms)
        break
      case 'req_out':
        all.leave(step.t_ms)
        break
      case 'report': {
        const seen = all.report(step.t_ms)
        const seenProxied = proxied.report(step.t_ms)
        const close = { absolute: 1e-9 }
        const found = first([
          difference('concurrency', seen.averageConcurrency, step.want.average_concurrency, close),
          difference('proxied', seenProxied.averageConcurrency, step.want.average_proxied_concurrency, close),
          difference('request count', seen.requests, step.want.request_count, close),
          difference('proxied count', seenProxied.requests, step.want.proxied_request_count, close),
        ])
        if (found !== undefined) return `ops[${index}] at ${step.t_ms} ms: ${found}`
        break
      }
    }
  }
  return undefined
})
