import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import type { Clock } from '../core/clock.ts'
import { SystemRandom, type Random } from '../core/random.ts'
import type { Log } from '../core/telemetry.ts'
import { backoffMs } from './api/backoff.ts'
import { isApiError, kindOf, type ApiClient, type KubeObject } from './api/index.ts'

const RETRY = { firstMs: 500, longestMs: 30_000 }

/**
 * Answers that another try will not change. `Forbidden` is none: an API server that has just started says it of everything
 * until it has read its roles.
 */
const FINAL: ReadonlySet<string> = new Set(['Invalid', 'BadRequest', 'MethodNotAllowed'])

const objectSchema = z.looseObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  metadata: z.looseObject({ name: z.string().min(1) }),
})

export interface ShippedObjectsOptions {
  readonly client: Pick<ApiClient, 'apply'>
  readonly clock: Clock
  readonly log: Log
  readonly random?: Random
}

/**
 * Puts what an installation brings along into the cluster: the objects in the YAML files of `dir`, such as
 * ClusterServingRuntimes. A Helm release cannot hold them, because it brings their CRD itself. What somebody else changed
 * in them is set back; what is no longer in the folder stays. Retries until all are there, but leaves out what the API
 * server refuses for good. Rejects only with the signal's reason; a file that cannot be read is logged.
 */
export async function applyShippedObjects(
  dir: string,
  { client, clock, log, random = new SystemRandom() }: ShippedObjectsOptions,
  signal: AbortSignal,
): Promise<void> {
  let left = objectsIn(dir, log)
  for (let failures = 1; left.length > 0; failures += 1) {
    const failed: KubeObject[] = []
    for (const object of left) {
      signal.throwIfAborted()
      const fields = { kind: object.kind, name: object.metadata.name }
      try {
        await client.apply(object, {}, signal)
      } catch (error) {
        signal.throwIfAborted()
        if (isApiError(error) && FINAL.has(error.reason)) {
          log.error({ ...fields, err: error }, 'a shipped object was refused, and is left out')
        } else {
          // Soon after an installation its CRD may still be unknown.
          log.warn({ ...fields, err: error }, 'a shipped object could not be applied, and is tried again')
          failed.push(object)
        }
      }
    }
    left = failed
    if (left.length > 0) await clock.sleep(backoffMs(failures, RETRY, random), signal)
  }
}

function objectsIn(dir: string, log: Log): KubeObject[] {
  return filesIn(dir, log).flatMap((file) => {
    try {
      return parseAllDocuments(readFileSync(file, 'utf8')).flatMap((document) => {
        if (document.errors[0] !== undefined) throw document.errors[0]
        const value: unknown = document.toJS()
        if (value === null) return []
        const object = objectSchema.parse(value)
        kindOf(object)
        return [object]
      })
    } catch (error) {
      log.error({ file, err: error }, 'a file of shipped objects cannot be read, and is left out')
      return []
    }
  })
}

/** A mounted ConfigMap has hidden entries beside its files. */
function filesIn(dir: string, log: Log): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => /^[^.].*\.ya?ml$/.test(name))
      .sort()
      .map((name) => join(dir, name))
  } catch (error) {
    log.error({ dir, err: error }, 'the folder of shipped objects cannot be read')
    return []
  }
}
