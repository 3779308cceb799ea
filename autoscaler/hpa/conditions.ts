/** What Kubernetes shows in status.conditions of an HPA, without the sentence that goes with it. */
export interface Condition {
  readonly type: 'AbleToScale' | 'ScalingActive' | 'ScalingLimited' | 'ScaledToZero'
  readonly status: 'True' | 'False' | 'Unknown'
  /** A word such as `ScaleDownStabilized`. */
  readonly reason: string
}

/** A condition that is there keeps its place; the ones that a decision does not come to stay as they were. */
export function withCondition(conditions: readonly Condition[], condition: Condition): readonly Condition[] {
  const place = conditions.findIndex(({ type }) => type === condition.type)
  return place === -1 ? [...conditions, condition] : conditions.with(place, condition)
}

export function isTrue(conditions: readonly Condition[], type: Condition['type']): boolean {
  return conditions.some((condition) => condition.type === type && condition.status === 'True')
}
