import type { PodMetadata } from '../core/revision.ts'

/** Whatever can carry labels and annotations on to pods. */
interface Carrier {
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/**
 * These say how to scale, to route or to deploy, or were left by who applied the manifest: a change of them is no
 * reason for another revision, and pods have no use for them.
 */
const notForPods =
  /^(?:(?:autoscaling|serving|networking)\.(?:knative\.dev|kserve\.io)|internal\.serving\.kserve\.io|pilotlight\.dev|kubectl\.kubernetes\.io|deployment\.kubernetes\.io|argocd\.argoproj\.io|(?:kustomize|helm)\.toolkit\.fluxcd\.io|meta\.helm\.sh|helm\.sh|app\.kubernetes\.io)\//

const keptAlthoughMatched = /^app\.kubernetes\.io\/(?:name|part-of|component|instance)$/

/** Set by KServe's defaulting webhook for its own use. */
const modelFormatKey = 'modelFormat'

/** What pods carry of a component: its own over the service's over the runtime's; undefined if that is nothing. */
export function podMetadataOf(
  runtime: Carrier | undefined,
  service: Carrier,
  component: Carrier,
): PodMetadata | undefined {
  const carriers = [runtime ?? {}, service, component]
  const annotations = carried(carriers.map((carrier) => carrier.annotations))
  const labels = carried(carriers.map((carrier) => carrier.labels))
  if (Object.keys(annotations).length === 0 && Object.keys(labels).length === 0) return undefined
  return { annotations, labels }
}

function carried(maps: readonly (Readonly<Record<string, string>> | undefined)[]): Record<string, string> {
  return Object.fromEntries(
    maps.flatMap((map) =>
      Object.entries(map ?? {}).filter(
        ([key]) => key !== modelFormatKey && (!notForPods.test(key) || keptAlthoughMatched.test(key)),
      ),
    ),
  )
}
