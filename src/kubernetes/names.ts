import type { KubeObject } from './api/index.ts'

/** Labels and annotations on what we make, and on what we look for. */
export const LABELS = {
  revision: 'pilotlight.dev/revision',
  service: 'pilotlight.dev/inferenceservice',
  component: 'pilotlight.dev/component',
  managedBy: 'app.kubernetes.io/managed-by',
} as const

export const MANAGED_BY = 'pilotlight'

export const ANNOTATIONS = {
  /** Hash of what was applied: as long as it is the same there is nothing to write. */
  applied: 'pilotlight.dev/applied',
  /** `true`: the pod gets no more requests and goes once those that it has are answered. */
  draining: 'pilotlight.dev/draining',
  /** Which pods a ReplicaSet takes away first: the lowest. */
  deletionCost: 'controller.kubernetes.io/pod-deletion-cost',
  /** Where KServe's controller is in charge, too: `true` gives an InferenceService to us. */
  adopt: 'pilotlight.dev/adopt',
} as const

/** Whether a pod was told to go: it finishes what it has. */
export function isDraining({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[ANNOTATIONS.draining] === 'true'
}
