import type { InferenceServiceObject } from '../../control/view.ts'
import { isApiError, KINDS, type KubeObject } from '../../kubernetes/api/index.ts'
import type { Io } from '../io.ts'
import type { Cluster } from './cluster.ts'
import { asCliError } from './refusals.ts'

/** A watch ends after so long, or when it hears nothing; then the service is read again. */
const WATCH_SECONDS = 300
const SILENCE_MAX_MS = 120_000
const RETRY_MS = 1_000

interface LiveService extends KubeObject {
  readonly metadata: InferenceServiceObject['metadata']
  readonly spec: InferenceServiceObject['spec']
  readonly status?: InferenceServiceObject['status']
}

/**
 * An InferenceService as it is and after each change, as often as its status is about its present spec: one that the
 * controller has not looked at yet says nothing new. A watch that breaks off is taken up again.
 */
export async function* watchService(
  { clock }: Pick<Io, 'clock'>,
  cluster: Cluster,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): AsyncGenerator<InferenceServiceObject | undefined> {
  const kind = KINDS.inferenceServices
  const what = `InferenceService ${namespace}/${name}`
  const fieldSelector = `metadata.name=${name}`
  while (!signal.aborted) {
    try {
      const { items, metadata } = await cluster.client.list<LiveService>(
        kind,
        { namespace, fieldSelector },
        signal,
      )
      yield fresh(items[0])
      const { resourceVersion = '' } = metadata
      const options = {
        namespace,
        fieldSelector,
        resourceVersion,
        timeoutSeconds: WATCH_SECONDS,
        silenceMaxMs: SILENCE_MAX_MS,
      }
      for await (const { type, object } of cluster.client.watch<LiveService>(kind, options, signal)) {
        if (type === 'DELETED') yield undefined
        else if (type !== 'BOOKMARK') yield fresh(object)
      }
    } catch (error) {
      if (signal.aborted) return
      if (!isApiError(error) || isApiError(error, 'Forbidden', 'Unauthorized', 'Credentials')) {
        throw asCliError(cluster, what, error)
      }
      await clock.sleep(RETRY_MS, signal).catch(() => undefined)
    }
  }
}

/** Undefined for one whose status is about an older spec. */
function fresh(live: LiveService | undefined): InferenceServiceObject | undefined {
  if (live === undefined) return undefined
  const { metadata, spec, status = {} } = live
  if ((status.observedGeneration ?? metadata.generation) < metadata.generation) return undefined
  return { apiVersion: 'serving.kserve.io/v1beta1', kind: 'InferenceService', metadata, spec, status }
}
