import type { Clock } from '../../../../src/core/clock.ts'
import type { Api } from '../api.ts'
import type { NodeState } from '../state.ts'
import type { PodObject } from './objects.ts'
import type { Sandbox } from './sandbox.ts'

/** What everything about one pod needs to know. */
export interface PodContext {
  readonly api: Api
  readonly clock: Clock
  readonly node: NodeState
  /** The JSON file that says what image names stand for; read again each time. */
  readonly imagesFile: string
  /** Multiplies the waits of CrashLoopBackOff and ImagePullBackOff. */
  readonly backoffScale: number
  /** Images that this node has pulled before. */
  readonly pulled: Set<string>
  /** Of the pod alone: its volumes and the roots of its containers. */
  readonly folder: string
  readonly logFolder: string
  readonly sandbox: Sandbox
  /** The newest that the API server has told. */
  readonly object: () => PodObject
}

/** 10 s, 20 s, 40 s, ... 300 s for the 1st, 2nd, 3rd, ... failure in a row, times `scale`. */
export function backoffMs(failures: number, scale: number): number {
  return Math.min(300, 10 * 2 ** (failures - 1)) * 1_000 * scale
}
