import { z } from 'zod'
import type { Clock } from '../core/clock.ts'
import type { Measured } from '../core/measurements.ts'
import type { Random } from '../core/random.ts'
import type { Log } from '../core/telemetry.ts'
import { SourceError, type Asker } from './get.ts'

/** What is asked: equal ones are asked once for all revisions. */
export interface PrometheusQuery {
  /** `http://prometheus:9090`, with a path before `/api/v1` if it has one. */
  readonly server: string
  readonly query: string
  readonly namespace?: string
}

export interface PrometheusOptions {
  readonly asker: Pick<Asker, 'ask'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly periodMs: number
  readonly staleAfterMs: number
  /** The token for a server; undefined where it gets none. May reject. */
  readonly tokenFor: (server: string) => Promise<string | undefined>
  readonly signal: AbortSignal
}

const BACKOFF_MAX_MS = 60_000
/** Longer ones go by POST. */
const URL_MAX = 2_000
/** Prometheus says what is wrong with a query in these. */
const REFUSALS = [400, 422, 503]

const sample = z.tuple([z.number(), z.string()])
const answerSchema = z.union([
  z.object({
    status: z.literal('success'),
    warnings: z.array(z.string()).optional(),
    data: z.union([
      z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: sample })) }),
      z.object({ resultType: z.literal('scalar'), result: sample }),
      z.object({ resultType: z.literal('matrix') }),
      z.object({ resultType: z.literal('string') }),
    ]),
  }),
  z.object({ status: z.literal('error'), error: z.string() }),
])

interface Watched {
  readonly ended: AbortController
  users: number
  last: Measured<readonly number[]>
}

/** Asks Prometheus servers, each query once per period, and knows the last answers. */
export class PrometheusQueries {
  readonly #options: PrometheusOptions
  readonly #watched = new Map<string, Watched>()

  constructor(options: PrometheusOptions) {
    this.#options = options
  }

  /** Asks from now on; each call wants its `forget`. */
  watch(query: PrometheusQuery): void {
    const key = keyOf(query)
    const known = this.#watched.get(key)
    if (known !== undefined) {
      known.users += 1
      return
    }
    const last = { absent: 'not asked', detail: `${query.server} was not asked yet` }
    const watched = { ended: new AbortController(), users: 1, last }
    this.#watched.set(key, watched)
    void this.#ask(query, watched)
  }

  forget(query: PrometheusQuery): void {
    const key = keyOf(query)
    const watched = this.#watched.get(key)
    if (watched === undefined) return
    watched.users -= 1
    if (watched.users > 0) return
    watched.ended.abort()
    this.#watched.delete(key)
  }

  measured(query: PrometheusQuery, nowMs: number): Measured<readonly number[]> {
    const { staleAfterMs } = this.#options
    const last = this.#watched.get(keyOf(query))?.last
    if (last === undefined) return { absent: 'not asked', detail: `${query.server} is not asked` }
    if (!('value' in last) || nowMs - last.atMs <= staleAfterMs) return last
    return {
      absent: 'stale',
      detail: `${query.server} gave no answer for more than ${staleAfterMs / 1000} s`,
    }
  }

  async #ask(query: PrometheusQuery, watched: Watched): Promise<void> {
    const { clock, random, log, periodMs, staleAfterMs, signal } = this.#options
    const ended = AbortSignal.any([signal, watched.ended.signal])
    let failures = 0
    while (!ended.aborted) {
      try {
        watched.last = await this.#answer(query)
        failures = 0
      } catch (error) {
        failures += 1
        const detail = error instanceof Error ? error.message : String(error)
        const reason = error instanceof SourceError ? error.reason : 'no answer'
        if (failures === 1)
          log.warn({ server: query.server, query: query.query, err: error }, 'a metric has no answer')
        const { last } = watched
        // What it said last counts for a while: a server that starts anew is no reason to scale.
        const isLate = !('value' in last) || clock.now() - last.atMs > staleAfterMs
        if (isLate) watched.last = { absent: reason, detail }
      }
      const pauseMs =
        failures === 0
          ? periodMs
          : Math.min(Math.max(periodMs, BACKOFF_MAX_MS), periodMs * 2 ** (failures - 1))
      await clock.sleep(pauseMs * (0.9 + 0.2 * random.next()), ended).catch(() => {})
    }
  }

  /** @throws SourceError */
  async #answer({ server, query, namespace }: PrometheusQuery): Promise<Measured<readonly number[]>> {
    const { asker, clock, log, tokenFor } = this.#options
    const url = `${server.replace(/\/+$/, '')}/api/v1/query`
    const form = new URLSearchParams({ query, ...(namespace === undefined ? {} : { namespace }) })
    const token = await tokenFor(server)
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const isLong = url.length + form.toString().length > URL_MAX
    const { body } = isLong
      ? await asker.ask(url, { headers, form, accept: REFUSALS })
      : await asker.ask(`${url}?${form.toString()}`, { headers, accept: REFUSALS })
    const parsed = answerSchema.safeParse(jsonOf(body))
    if (!parsed.success) throw new SourceError('no answer', `${url} does not answer as Prometheus does`)
    const answer = parsed.data
    if (answer.status === 'error') throw new SourceError('refused', `${url}: ${answer.error}`)
    if (answer.warnings !== undefined)
      log.debug({ server, query, warnings: answer.warnings }, 'a metric has warnings')
    return valuesOf(answer.data, { query, atMs: clock.now() })
  }
}

type Data = Extract<z.infer<typeof answerSchema>, { status: 'success' }>['data']

function valuesOf(
  data: Data,
  { query, atMs }: { readonly query: string; readonly atMs: number },
): Measured<readonly number[]> {
  if (data.resultType === 'matrix' || data.resultType === 'string') {
    const detail = `${query} is a ${data.resultType}; an instant vector or a scalar is allowed`
    return { absent: 'not a number', detail }
  }
  const texts = data.resultType === 'scalar' ? [data.result[1]] : data.result.map(({ value }) => value[1])
  if (texts.length === 0) return { absent: 'no series', detail: `${query} has no series` }
  const numbers = texts.map(Number)
  const broken = texts.find((_, index) => !Number.isFinite(numbers[index]))
  if (broken !== undefined)
    return { absent: 'not a number', detail: `${query} is ${broken}; a number is allowed` }
  return { value: numbers, atMs, from: query }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

function keyOf({ server, query, namespace = '' }: PrometheusQuery): string {
  return JSON.stringify([server, query, namespace])
}
