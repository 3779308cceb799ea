import { describe, expect, it } from 'vitest'
import { revisionOf } from '../../../test/support/revisions.ts'
import type { Replica } from '../../core/replica.ts'
import type { ContainerPort } from '../../core/revision.ts'
import { at, atMs, condition, container, pod, running, terminated, waiting } from './fake-pods.ts'
import type { Pod } from './pod.ts'
import { replicaOf } from './replica-of.ts'

const NOW_MS = atMs(600)
const revision = revisionOf('ml/iris-00001')

/** What is shown of a pod, without what is the same of all. */
function shown(one: Pod): Omit<Replica, 'name' | 'revision' | 'createdAtMs' | 'restarts' | 'sinceMs'> & {
  readonly since: number
  readonly restarts?: number
} {
  const replica = replicaOf(one, revision, undefined, NOW_MS)
  if (replica === undefined) throw new Error('it is no replica')
  const { name: _name, revision: _revision, createdAtMs: _created, sinceMs, restarts, ...rest } = replica
  return { ...rest, since: (sinceMs - atMs(0)) / 1_000, ...(restarts === 0 ? {} : { restarts }) }
}

const init = (name: string) => ({ spec: { initContainers: [{ name }], containers: [container()] } })
const storage = init('storage-initializer')
const waitingServer = [waiting('PodInitializing')]
const address = { host: '10.0.0.7', port: 8080 }
const up = { phase: 'Running', podIP: '10.0.0.7', containerStatuses: [running(10)] }

describe('a pod', () => {
  it('is a replica of the revision on its label, by the name that gateways know', () => {
    expect(replicaOf(pod(), revision, undefined, NOW_MS)).toEqual({
      name: 'ml/iris-00001-x',
      revision: 'ml/iris-00001',
      phase: 'pulling',
      sinceMs: atMs(1),
      createdAtMs: atMs(0),
      restarts: 0,
    })
  })

  it('is none without the label, and none as long as its revision is unknown', () => {
    expect(replicaOf(pod({ revision: '' }), revision, undefined, NOW_MS)).toBeUndefined()
    expect(replicaOf(pod(), undefined, undefined, NOW_MS)).toBeUndefined()
  })
})

describe('scheduling', () => {
  const unscheduled = (...conditions: NonNullable<Pod['status']>['conditions'] & object) =>
    ({
      ...pod(),
      spec: { containers: [container()] },
      status: { phase: 'Pending', conditions },
    }) satisfies Pod

  it.each<[Pod, object]>([
    [unscheduled(), { phase: 'scheduling', since: 0 }],
    [
      unscheduled(
        condition('PodScheduled', 'False', 2, {
          reason: 'Unschedulable',
          message: '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.',
        }),
      ),
      {
        phase: 'scheduling',
        since: 0,
        reasonCode: 'Unschedulable',
        reason: '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.',
      },
    ],
    [
      unscheduled(condition('PodScheduled', 'False', 2, { reason: 'SchedulingGated' })),
      { phase: 'scheduling', since: 0, reasonCode: 'Unschedulable', reason: 'SchedulingGated' },
    ],
  ])('case %#', (one, expected) => {
    expect(shown(one)).toEqual(expected)
  })
})

describe('pulling', () => {
  it.each<[string, Pod, object]>([
    ['nothing said by the kubelet', pod(), {}],
    ['image', pod({ status: { containerStatuses: [waiting('ContainerCreating')] } }), {}],
    [
      'model',
      pod({
        ...storage,
        status: {
          podIP: '10.0.0.7',
          initContainerStatuses: [running(3, { name: 'storage-initializer' })],
          containerStatuses: waitingServer,
        },
      }),
      { reason: 'init container storage-initializer fetches the model' },
    ],
    [
      'another init container',
      pod({
        ...init('wait-for-it'),
        status: {
          initContainerStatuses: [running(3, { name: 'wait-for-it' })],
          containerStatuses: waitingServer,
        },
      }),
      { reason: 'init container wait-for-it has to end first' },
    ],
    [
      'image after the model is there',
      pod({
        ...storage,
        status: {
          initContainerStatuses: [
            terminated({ exitCode: 0, reason: 'Completed' }, { name: 'storage-initializer' }),
          ],
          containerStatuses: waitingServer,
        },
      }),
      {},
    ],
  ])('%s', (_name, one, expected) => {
    expect(shown(one)).toEqual({ phase: 'pulling', since: 1, ...expected })
  })
})

describe('loading', () => {
  const gated = (status: string) =>
    pod({
      spec: { readinessGates: [{ conditionType: 'example.com/load-balancer' }] },
      status: {
        ...up,
        conditions: [condition('Ready', 'False'), condition('example.com/load-balancer', status)],
      },
    })

  it.each<[string, Pod, object]>([
    ['runs, and the kubelet has not asked yet', pod({ status: up }), {}],
    [
      'Ready=False from before the start',
      pod({ status: { ...up, conditions: [condition('Ready', 'False')] } }),
      {},
    ],
    // It has no readiness probe: that it runs is all that the kubelet knows.
    [
      'Ready=True without a probe',
      pod({ status: { ...up, conditions: [condition('Ready', 'True', 10)] } }),
      {},
    ],
    [
      'Ready=False of a later time than the start',
      pod({
        status: {
          ...up,
          conditions: [
            condition('Ready', 'False', 12, {
              message: 'containers with unready status: [kserve-container]',
            }),
          ],
        },
      }),
      { reasonCode: 'ProbeFailed', reason: 'containers with unready status: [kserve-container]' },
    ],
    [
      'a readiness gate',
      gated('False'),
      { reason: 'its readiness gate waits for the condition example.com/load-balancer' },
    ],
    [
      'a sidecar that does not run yet',
      pod({
        spec: { containers: [container({ name: 'proxy' }), container()] },
        status: {
          ...up,
          containerStatuses: [waiting('ContainerCreating', '', { name: 'proxy' }), running(10)],
        },
      }),
      { reason: 'container proxy is not ready yet' },
    ],
    [
      'a sidecar whose own probe says no',
      pod({
        spec: {
          containers: [container()],
          initContainers: [
            { name: 'proxy', restartPolicy: 'Always', readinessProbe: { tcpSocket: { port: 1 } } },
          ],
        },
        status: { ...up, initContainerStatuses: [running(5, { name: 'proxy', ready: false })] },
      }),
      { reason: 'container proxy is not ready yet' },
    ],
    [
      'started again',
      pod({ status: { ...up, containerStatuses: [running(10, { restartCount: 2 })] } }),
      { restarts: 2 },
    ],
  ])('%s', (_name, one, expected) => {
    expect(shown(one)).toEqual({ phase: 'loading', since: 10, address, ...expected })
  })
})

describe('ready', () => {
  const probed = container({ readinessProbe: { exec: { command: ['true'] } } })
  it('by the word of the kubelet, since it said so', () => {
    const one = pod({
      spec: { containers: [probed] },
      status: { ...up, conditions: [condition('Ready', 'True', 14)] },
    })
    expect(shown(one)).toEqual({ phase: 'ready', since: 14, address })
  })

  it.each<[readonly ContainerPort[], object]>([
    [[], { address }],
    [[{ containerPort: 7000 }], { address: { host: '10.0.0.7', port: 7000 } }],
    [
      [
        { name: 'grpc', containerPort: 9000 },
        { name: 'http1', containerPort: 8000 },
        { name: 'metrics', containerPort: 8002 },
      ],
      { address: { host: '10.0.0.7', port: 8000 }, grpcAddress: { host: '10.0.0.7', port: 9000 } },
    ],
  ])('takes requests on the ports that its revision declares: %j', (ports, expected) => {
    const replica = replicaOf(pod({ status: up }), revisionOf('ml/iris-00001', { ports }), undefined, NOW_MS)
    const { address: http, grpcAddress } = replica!
    expect({ address: http, ...(grpcAddress === undefined ? {} : { grpcAddress }) }).toEqual(expected)
  })

  it('is decided by a transformer that stands before its model', () => {
    const transformer = container({ name: 'transformer-container' })
    const starting = pod({
      spec: { containers: [probed, transformer] },
      status: {
        ...up,
        containerStatuses: [
          running(10, { ready: true }),
          waiting('ContainerCreating', '', { name: 'transformer-container' }),
        ],
      },
    })
    expect(shown(starting).phase).toBe('pulling')
  })
})

describe('draining', () => {
  it.each<[string, Pod, object]>([
    [
      'deleted: the deadline less its grace',
      pod({ metadata: { deletionTimestamp: at(50), deletionGracePeriodSeconds: 30 }, status: up }),
      { since: 20 },
    ],
    [
      'marked by us',
      pod({ metadata: { annotations: { 'pilotlight.dev/draining': 'true' } }, status: up }),
      { since: 600 },
    ],
    [
      'evicted next',
      pod({
        status: {
          ...up,
          conditions: [
            condition('DisruptionTarget', 'True', 40, { message: 'Preempted by ml/big to make room' }),
          ],
        },
      }),
      { since: 40, reason: 'Preempted by ml/big to make room' },
    ],
  ])('%s', (_name, one, expected) => {
    expect(shown(one)).toEqual({ phase: 'draining', address, ...expected })
  })

  it('is not what a disruption that was called off leaves', () => {
    const one = pod({ status: { ...up, conditions: [condition('DisruptionTarget', 'False', 40)] } })
    expect(shown(one).phase).toBe('loading')
  })
})

describe('failed', () => {
  const serving = (status: Parameters<typeof running>[1] & object) =>
    pod({
      status: {
        phase: 'Running',
        podIP: '10.0.0.7',
        containerStatuses: [{ name: 'kserve-container', ...status }],
      },
    })
  const ended = { exitCode: 3, reason: 'Error', message: 'model is broken\n', finishedAt: at(30) }

  it.each<[string, Pod, object]>([
    [
      'CrashLoopBackOff, with what it ended and when it is tried again',
      serving(
        waiting(
          'CrashLoopBackOff',
          'back-off 2m40s restarting failed container=kserve-container pod=iris_ml(1)',
          { lastState: { terminated: ended }, restartCount: 5 },
        ),
      ),
      {
        reasonCode: 'CrashLoopBackOff',
        reason: 'ended with exit code 3: model is broken',
        exitCode: 3,
        since: 30,
        retryAtMs: atMs(30 + 160),
        restarts: 5,
      },
    ],
    [
      'just ended',
      serving(terminated(ended)),
      { reasonCode: 'Exited', reason: 'ended with exit code 3: model is broken', exitCode: 3, since: 30 },
    ],
    [
      'without a word',
      serving(terminated({ exitCode: 0 })),
      { reasonCode: 'Exited', reason: 'ended with exit code 0', exitCode: 0 },
    ],
    [
      'out of memory',
      serving(
        waiting('CrashLoopBackOff', '', {
          lastState: { terminated: { exitCode: 137, reason: 'OOMKilled', finishedAt: at(31) } },
        }),
      ),
      {
        reasonCode: 'OOMKilled',
        reason: 'ended with exit code 137, it used more memory than its limit (OOMKilled)',
        exitCode: 137,
        since: 31,
      },
    ],
    [
      'image',
      serving(waiting('ErrImagePull', 'rpc error: not found')),
      { reasonCode: 'ImagePullBackOff', reason: 'ErrImagePull: rpc error: not found' },
    ],
    [
      'image again',
      serving(waiting('ImagePullBackOff', 'Back-off pulling image "x"')),
      { reasonCode: 'ImagePullBackOff', reason: 'ImagePullBackOff: Back-off pulling image "x"' },
    ],
    [
      'a secret that is not there',
      serving(waiting('CreateContainerConfigError', 'secret "hf" not found')),
      {
        reasonCode: 'CreateContainerConfigError',
        reason: 'CreateContainerConfigError: secret "hf" not found',
      },
    ],
    [
      'a command that is not there',
      serving(
        waiting('CrashLoopBackOff', '', {
          lastState: {
            terminated: {
              exitCode: 128,
              reason: 'StartError',
              message: 'exec: "serve": executable file not found in $PATH: unknown',
              finishedAt: at(30),
            },
          },
        }),
      ),
      {
        reasonCode: 'CommandNotFound',
        reason: 'StartError: exec: "serve": executable file not found in $PATH: unknown',
        since: 30,
      },
    ],
    [
      'storage initializer',
      pod({
        ...storage,
        status: {
          initContainerStatuses: [
            waiting('CrashLoopBackOff', 'back-off 10s restarting failed container', {
              name: 'storage-initializer',
              lastState: { terminated: { ...ended, exitCode: 1, message: 'no such bucket' } },
            }),
          ],
          containerStatuses: waitingServer,
        },
      }),
      {
        reasonCode: 'StorageError',
        reason: 'container storage-initializer: ended with exit code 1: no such bucket',
        exitCode: 1,
        since: 30,
        retryAtMs: atMs(40),
      },
    ],
    [
      'another init container',
      pod({
        ...init('wait-for-it'),
        status: {
          initContainerStatuses: [terminated({ exitCode: 2, finishedAt: at(9) }, { name: 'wait-for-it' })],
          containerStatuses: waitingServer,
        },
      }),
      {
        reasonCode: 'Exited',
        reason: 'container wait-for-it: ended with exit code 2',
        exitCode: 2,
        since: 9,
      },
    ],
    [
      'a sidecar',
      pod({
        spec: { containers: [container(), container({ name: 'proxy' })] },
        status: { ...up, containerStatuses: [running(10), terminated({ exitCode: 1 }, { name: 'proxy' })] },
      }),
      { reasonCode: 'Exited', reason: 'container proxy: ended with exit code 1', exitCode: 1 },
    ],
    [
      'evicted',
      pod({
        status: {
          phase: 'Failed',
          reason: 'Evicted',
          message: 'The node was low on resource: memory.',
          containerStatuses: [terminated({ exitCode: 137, finishedAt: at(44) })],
        },
      }),
      { reasonCode: 'Evicted', reason: 'Evicted: The node was low on resource: memory.', since: 44 },
    ],
    [
      'ended for ever',
      pod({ status: { phase: 'Failed', containerStatuses: [terminated(ended)] } }),
      { reasonCode: 'Exited', reason: 'ended with exit code 3: model is broken', exitCode: 3, since: 30 },
    ],
    [
      'done, which nothing that serves is',
      pod({ status: { phase: 'Succeeded' } }),
      { reasonCode: 'Exited', reason: 'the pod ended' },
    ],
    [
      'node lost',
      pod({ status: { ...up, phase: 'Unknown', reason: 'NodeLost', message: 'Node a100 is unresponsive' } }),
      { reasonCode: 'NodeLost', reason: 'Node a100 is unresponsive' },
    ],
  ])('%s', (_name, one, expected) => {
    expect(shown(one)).toEqual({ phase: 'failed', since: 600, ...expected })
  })
})
