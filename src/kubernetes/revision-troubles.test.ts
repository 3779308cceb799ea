import { beforeEach, describe, expect, it } from 'vitest'
import { Latest } from '../core/latest.ts'
import { ManualClock } from '../core/manual-clock.ts'
import type { Ready, Replica } from '../core/replica.ts'
import { ApiError, type KubeObject } from './api/index.ts'
import { StorageError } from './objects/index.ts'
import { RevisionTroubles } from './revision-troubles.ts'

const NAME = 'ml/iris-predictor-00001'

function refusedBy(message: string): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'iris-predictor-00001', namespace: 'ml' },
    status: { conditions: [{ type: 'ReplicaFailure', status: 'True', message }] },
  }
}

describe('RevisionTroubles', () => {
  let clock: ManualClock
  let troubles: RevisionTroubles
  const replica: Replica = {
    name: 'ml/other-x',
    revision: 'ml/other-predictor-00001',
    phase: 'ready',
    sinceMs: 0,
    createdAtMs: 0,
    restarts: 0,
  }

  beforeEach(() => {
    clock = new ManualClock(1_000)
    troubles = new RevisionTroubles(clock)
  })

  /** What is shown now, beside the replicas that there are. */
  async function shown(): Promise<Ready['replicas']> {
    const over = new AbortController()
    for await (const { replicas } of troubles.beside(
      new Latest<Ready>({ replicas: [replica] }),
      over.signal,
    )) {
      over.abort()
      return replicas
    }
    return []
  }

  it('shows nothing but the replicas while all is well', async () => {
    troubles.onCreate(NAME, undefined)
    troubles.onDeployment(NAME, undefined, 0)
    expect(await shown()).toEqual([replica])
  })

  it.each([
    [new StorageError('no such bucket'), 'failed', 'StorageError'],
    [new ApiError('denied', { status: 403, reason: 'Forbidden' }), 'failed', 'CreateContainerConfigError'],
    [
      new ApiError('theirs', { status: 409, reason: 'AlreadyExists' }),
      'failed',
      'CreateContainerConfigError',
    ],
    [new ApiError('bad', { status: 422, reason: 'Invalid' }), 'failed', 'CreateContainerConfigError'],
  ])('shows why a Deployment cannot be made: %s', async (error, phase, reasonCode) => {
    troubles.onCreate(NAME, error)
    expect(await shown()).toEqual([
      replica,
      {
        name: NAME,
        revision: NAME,
        phase,
        reasonCode,
        reason: error.message,
        sinceMs: 1_000,
        createdAtMs: 1_000,
        restarts: 0,
      },
    ])
  })

  it('does not blame the revision when the API server is away', async () => {
    troubles.onCreate(NAME, new ApiError('no answer', { status: 0, reason: 'Timeout' }))
    expect(await shown()).toEqual([replica])
  })

  it.each([
    ['pods "x" is forbidden: exceeded quota: gpus', 'scheduling', 'Unschedulable'],
    ['admission webhook denied the request', 'failed', 'CreateContainerConfigError'],
  ])('shows why pods are refused: %s', async (message, phase, reasonCode) => {
    troubles.onDeployment(NAME, refusedBy(message), 0)
    expect(await shown()).toMatchObject([{}, { revision: NAME, phase, reasonCode, reason: message }])
  })

  it('keeps since when, and forgets it when there are pods', async () => {
    troubles.onDeployment(NAME, refusedBy('denied'), 0)
    await clock.advance(5_000)
    troubles.onDeployment(NAME, refusedBy('denied'), 0)
    expect(await shown()).toMatchObject([{}, { sinceMs: 1_000 }])
    troubles.onDeployment(NAME, refusedBy('denied'), 1)
    expect(await shown()).toEqual([replica])
  })

  it('forgets a revision of which nothing is left', async () => {
    troubles.onCreate(NAME, new StorageError('no such bucket'))
    troubles.forget(NAME)
    expect(await shown()).toEqual([replica])
  })

  it('follows replicas and troubles, each whole', async () => {
    const over = new AbortController()
    const replicas = new Latest<Ready>({ replicas: [] })
    const seen: string[] = []
    for await (const ready of troubles.beside(replicas, over.signal)) {
      seen.push(ready.replicas.map(({ name }) => name).join(' '))
      if (seen.at(-1) === '') replicas.set({ replicas: [replica] })
      else if (seen.at(-1) === replica.name) troubles.onCreate(NAME, new StorageError('no'))
      else over.abort()
    }
    expect(seen.filter((value, index) => value !== seen[index - 1])).toEqual([
      '',
      replica.name,
      `${replica.name} ${NAME}`,
    ])
  })
})
