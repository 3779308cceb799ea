import { describe, expect, it } from 'vitest'
import type { ContainerState, ContainerStatus, PodObject, PodSpec } from './objects.ts'
import { statusOf, type Observation } from './status.ts'

const NOW = '2030-01-01T00:00:10Z'
const running: ContainerState = { running: { startedAt: NOW } }
const waiting: ContainerState = { waiting: { reason: 'ContainerCreating' } }

function exited(exitCode: number): ContainerState {
  const reason = exitCode === 0 ? 'Completed' : 'Error'
  return { terminated: { exitCode, reason, startedAt: NOW, finishedAt: NOW, containerID: 'process://x' } }
}

function container(state: ContainerState, rest: Partial<ContainerStatus> = {}): ContainerStatus {
  const isReady = state.running !== undefined
  return {
    name: 'main',
    image: 'image',
    imageID: '',
    restartCount: 0,
    ready: isReady,
    started: isReady,
    state,
    lastState: {},
    ...rest,
  }
}

function observed(
  containers: ContainerStatus[],
  rest: Partial<Observation> & { spec?: Partial<PodSpec>; gates?: Record<string, string> } = {},
): Observation {
  const { spec, gates = {}, ...observation } = rest
  const object: PodObject = {
    metadata: { name: 'pod', namespace: 'default', uid: 'uid', resourceVersion: '1' },
    spec: { containers: [], ...spec },
    status: {
      phase: 'Pending',
      conditions: Object.entries(gates).map(([type, status]) => ({ type, status })),
    },
  }
  return {
    object,
    hostAddress: '10.244.1.1',
    address: '10.244.1.2',
    startTime: NOW,
    initContainers: [],
    containers,
    isInitialized: true,
    isOver: false,
    now: NOW,
    conditions: [],
    ...observation,
  }
}

function condition(observation: Observation, type: string) {
  return statusOf(observation).conditions.find((each) => each.type === type)
}

describe('the status of a pod', () => {
  const never = { spec: { restartPolicy: 'Never' } } as const
  const onFailure = { spec: { restartPolicy: 'OnFailure' } } as const
  const crashed = container({ waiting: { reason: 'CrashLoopBackOff' } }, { lastState: exited(1) })

  it.each([
    ['not all have been started', observed([container(running), container(waiting)]), 'Pending'],
    ['init containers run', observed([container(waiting)], { isInitialized: false }), 'Pending'],
    ['all run', observed([container(running)]), 'Running'],
    ['one waits to be started again', observed([crashed]), 'Running'],
    ['all ended and come back', observed([container(exited(0))]), 'Running'],
    ['all ended well for good', observed([container(exited(0))], never), 'Succeeded'],
    ['one failed for good', observed([container(exited(0)), container(exited(1))], never), 'Failed'],
    ['one failed and comes back', observed([container(exited(1))], onFailure), 'Running'],
    [
      'an init container failed for good',
      observed([container(waiting)], {
        ...never,
        isInitialized: false,
        initContainers: [container(exited(1))],
      }),
      'Failed',
    ],
    ['it was deleted and ended well', observed([container(exited(0))], { isOver: true }), 'Succeeded'],
    ['it was deleted and was killed', observed([container(exited(137))], { isOver: true }), 'Failed'],
  ])('when %s', (_, observation, phase) => {
    expect(statusOf(observation).phase).toBe(phase)
  })

  it('is ready when its containers are and its gates are open', () => {
    const gated = { spec: { readinessGates: [{ conditionType: 'example.com/gate' }] } }
    expect(condition(observed([container(running)]), 'Ready')?.status).toBe('True')
    expect(condition(observed([container(running, { ready: false })]), 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [main]',
    })
    expect(condition(observed([container(running)], gated), 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ReadinessGatesNotReady',
    })
    const open = observed([container(running)], { ...gated, gates: { 'example.com/gate': 'True' } })
    expect(condition(open, 'Ready')?.status).toBe('True')
  })

  it('keeps the time of a transition until the next', () => {
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2030-01-01T00:00:00Z' }]
    const same = condition(observed([container(running)], { conditions }), 'Ready')
    expect(same?.lastTransitionTime).toBe('2030-01-01T00:00:00Z')
    const other = condition(observed([container(waiting)], { conditions }), 'Ready')
    expect(other?.lastTransitionTime).toBe(NOW)
  })
})
