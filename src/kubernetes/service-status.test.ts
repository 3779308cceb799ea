import { describe, expect, it } from 'vitest'
import type { InferenceServiceStatus, ModelStatus } from '../core/status.ts'
import { failureEvent } from './service-status.ts'

function failed(info: ModelStatus['lastFailureInfo']): InferenceServiceStatus {
  const lastFailureInfo = info === undefined ? {} : { lastFailureInfo: info }
  return { modelStatus: { transitionStatus: 'InProgress', ...lastFailureInfo } }
}

const noPlace = {
  reason: 'RuntimeUnhealthy',
  message: '0/2 nodes are available',
  modelRevisionName: 'iris-predictor-00001',
}

describe('the event of a failure', () => {
  it.each([undefined, {}, { modelStatus: null }, failed(undefined)])(
    'says why the model does not run after %j',
    (before) => {
      expect(failureEvent(before, failed(noPlace))).toEqual({
        type: 'Warning',
        reason: 'RuntimeUnhealthy',
        message: 'iris-predictor-00001: 0/2 nodes are available',
      })
    },
  )

  it('comes once for a reason, and again for another one or for another revision', () => {
    const before = failed(noPlace)
    expect(failureEvent(before, failed({ ...noPlace, message: '0/3 nodes are available' }))).toBeUndefined()
    expect(failureEvent(before, failed({ ...noPlace, reason: 'ModelLoadFailed' }))).toBeDefined()
    expect(
      failureEvent(before, failed({ ...noPlace, modelRevisionName: 'iris-predictor-00002' })),
    ).toBeDefined()
    expect(failureEvent(before, failed(undefined))).toBeUndefined()
  })
})
