/** KServe's InferenceServiceStatus, the fields that a router, an activator and an autoscaler fill. */

export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly severity?: 'Info'
  readonly reason?: string
  readonly message?: string
  /** RFC 3339; changes only when `status` does. */
  readonly lastTransitionTime: string | null
}

export interface TrafficStatus {
  readonly revisionName: string
  readonly latestRevision: boolean
  readonly percent: number
  readonly tag?: string
  readonly url?: string
}

export interface ComponentStatus {
  readonly latestReadyRevision?: string
  readonly latestCreatedRevision?: string
  readonly previousRolledoutRevision?: string
  readonly latestRolledoutRevision?: string
  readonly traffic?: readonly TrafficStatus[]
  readonly url?: string
  readonly address?: { readonly url: string }
}

export interface ModelStatus {
  readonly transitionStatus: 'UpToDate' | 'InProgress' | 'BlockedByFailedLoad' | 'InvalidSpec' | ''
  readonly states?: {
    readonly activeModelState: ModelState
    readonly targetModelState: ModelState
  }
  readonly lastFailureInfo?: {
    readonly location?: string
    readonly reason: string
    readonly message: string
    readonly modelRevisionName?: string
    readonly time?: string
    readonly exitCode?: number
  }
  readonly copies?: { readonly failedCopies: number; readonly totalCopies: number }
}

export type ModelState = '' | 'Pending' | 'Standby' | 'Loading' | 'Loaded' | 'FailedToLoad'

export interface InferenceServiceStatus {
  readonly observedGeneration?: number
  readonly url?: string
  readonly address?: { readonly url: string }
  readonly deploymentMode?: 'Knative' | 'Standard'
  readonly servingRuntimeName?: string
  readonly clusterServingRuntimeName?: string
  readonly components?: Readonly<Partial<Record<'predictor' | 'transformer' | 'explainer', ComponentStatus>>>
  readonly modelStatus?: ModelStatus
  readonly canaryStatuses?: readonly {
    readonly name: string
    readonly ready: boolean
    readonly trafficPercent: number
    readonly modelStatus: ModelStatus
  }[]
  readonly conditions?: readonly Condition[]
}
