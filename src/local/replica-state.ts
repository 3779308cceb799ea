import type { Replica } from '../core/replica.ts'
import { REPLICA_HOST } from './ports.ts'
import type { ReplicaFailure } from './replica-failure.ts'
import type { ReplicaProcess } from './replica-process.ts'

/** A running process, and where it listens. */
export interface Running {
  readonly process: ReplicaProcess
  readonly port: number
  readonly grpcPort?: number
}

/**
 * scheduling -> pulling -> loading -> ready -> draining -> stopping -> gone
 *                              ^         |  ^-----'  (taken back)
 *                              '- failed <'          (and from every state before ready)
 */
export type State =
  | { readonly state: 'scheduling'; readonly gpusWanted?: number }
  | { readonly state: 'pulling' }
  | { readonly state: 'loading'; readonly running: Running; readonly no?: string }
  | { readonly state: 'ready'; readonly running: Running }
  | { readonly state: 'draining'; readonly running: Running; readonly cut: AbortController }
  | { readonly state: 'stopping'; readonly running: Running }
  | { readonly state: 'failed'; readonly failure: ReplicaFailure; readonly retryAtMs?: number }
  | { readonly state: 'gone' }

/** What a state shows of a replica, beside its name and its times. */
export type Shown = Pick<
  Replica,
  'phase' | 'address' | 'grpcAddress' | 'pid' | 'reason' | 'reasonCode' | 'exitCode' | 'retryAtMs'
>

/** `shortage`: the GPUs that it waits for, in a sentence. */
export function schedulingView(shortage: string | undefined): Shown {
  if (shortage === undefined) return { phase: 'scheduling' }
  return { phase: 'scheduling', reasonCode: 'Unschedulable', reason: shortage }
}

export function viewOf(state: Exclude<State, { state: 'gone' | 'scheduling' }>): Shown {
  switch (state.state) {
    case 'pulling':
      return { phase: 'pulling' }
    case 'loading': {
      const why = state.no === undefined ? {} : ({ reasonCode: 'ProbeFailed', reason: state.no } as const)
      return { phase: 'loading', ...where(state.running), ...why }
    }
    case 'ready':
      return { phase: 'ready', ...where(state.running) }
    case 'draining':
    case 'stopping':
      return { phase: 'draining', ...where(state.running) }
    case 'failed':
      return failedView(state.failure, state.retryAtMs)
    default:
      return state satisfies never
  }
}

function failedView(
  { code, message: reason, exitCode }: ReplicaFailure,
  retryAtMs: number | undefined,
): Shown {
  return {
    phase: 'failed',
    reason,
    ...(code === undefined ? {} : { reasonCode: code }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(retryAtMs === undefined ? {} : { retryAtMs }),
  }
}

function where({
  process: { pid },
  port,
  grpcPort,
}: Running): Pick<Replica, 'address' | 'grpcAddress' | 'pid'> {
  return {
    address: { host: REPLICA_HOST, port },
    ...(grpcPort === undefined ? {} : { grpcAddress: { host: REPLICA_HOST, port: grpcPort } }),
    ...(pid === undefined ? {} : { pid }),
  }
}
