import { describe, expect, it } from 'vitest'
import { RolloutStory, serviceOf } from '../../test/support/rollout-story.ts'
import { HistoryError, readHistory } from './history.ts'

describe('a history', () => {
  const { history } = new RolloutStory().deploy(serviceOf('v1'))
  const kept = (): Record<string, unknown> => JSON.parse(JSON.stringify(history))

  it('is read as it was written', () => {
    expect(readHistory(kept())).toEqual(history)
  })

  it('of another version is refused', () => {
    expect(() => readHistory({ ...kept(), version: 2 }, 'iris.json')).toThrow(/^iris\.json: version: .*1/)
  })

  it('with a damaged revision says which field', () => {
    const text = JSON.stringify(history).replace('"generation":1', '"generation":"one"')
    expect(() => readHistory(JSON.parse(text))).toThrow(
      /components\.iris-predictor\.revisions\.0\.revision\.generation: .*expected number/,
    )
  })

  it('that routes to a revision it does not hold is refused', () => {
    const text = JSON.stringify(history).replace(
      '"latestReadyRevision":"ml/iris-predictor-00001"',
      '"latestReadyRevision":"ml/iris-predictor-00009"',
    )
    expect(() => readHistory(JSON.parse(text))).toThrow(
      new HistoryError(
        'history: components.iris-predictor.latestReadyRevision: ml/iris-predictor-00009 is not among its revisions (ml/iris-predictor-00001)',
      ),
    )
  })

  it('that is none is refused', () => {
    expect(() => readHistory('nothing')).toThrow(HistoryError)
  })
})
