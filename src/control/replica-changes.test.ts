import { expect, it } from 'vitest'
import type { Replica } from '../core/replica.ts'
import { revisionsThatDiffer } from './replica-changes.ts'

function replica(name: string): Replica {
  return {
    name: `ml/${name}`,
    revision: 'ml/iris-00001',
    phase: 'ready',
    sinceMs: 0,
    createdAtMs: 0,
    restarts: 0,
  }
}

it('names the revisions that gained, lost or changed a replica', () => {
  const [stays, goes] = [replica('stays'), replica('goes')]
  const before = new Map([
    ['ml/same-00001', [stays]],
    ['ml/fewer-00001', [stays, goes]],
    ['ml/other-00001', [stays]],
    ['ml/gone-00001', [goes]],
  ] as const)
  const after = new Map([
    ['ml/same-00001', [stays]],
    ['ml/fewer-00001', [stays]],
    ['ml/other-00001', [replica('stays')]],
    ['ml/new-00001', [stays]],
  ] as const)
  expect(revisionsThatDiffer(before, after).toSorted()).toEqual([
    'ml/fewer-00001',
    'ml/gone-00001',
    'ml/new-00001',
    'ml/other-00001',
  ])
})
