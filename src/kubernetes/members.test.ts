import { expect, it } from 'vitest'
import type { KubeObject } from './api/index.ts'
import { livingGateways } from './members.ts'

const pod = (name: string, status: object | undefined, deletionTimestamp?: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
  status,
})
const running = { containerStatuses: [{ state: { running: {} } }], phase: 'Running' }

it.each([
  ['runs', pod('a', running), true],
  ['runs and is being deleted: it may have requests', pod('a', running, '2026-01-01T00:00:00Z'), true],
  [
    'waits for its next start, and may be cut off only',
    pod('a', { containerStatuses: [{ restartCount: 1, state: { waiting: {} } }] }),
    true,
  ],
  [
    'has ended and is about to start again',
    pod('a', { containerStatuses: [{ state: { terminated: {} } }] }),
    true,
  ],
  ['has never begun', pod('a', { containerStatuses: [{ state: { waiting: {} } }], phase: 'Pending' }), false],
  ['has no node yet', pod('a', { phase: 'Pending' }), false],
  ['is over', pod('a', { ...running, phase: 'Succeeded' }), false],
  ['was evicted', pod('a', { ...running, phase: 'Failed' }), false],
  ['says nothing', pod('a', undefined), false],
])('a gateway that %s', (_what, object, lives) => {
  expect(livingGateways({ values: () => [object].values() })).toEqual(lives ? ['a'] : [])
})

it('are named in order', () => {
  const pods = [pod('b', running), pod('a', running)]
  expect(livingGateways({ values: () => pods.values() })).toEqual(['a', 'b'])
})
