import type { AppliedObject, InferenceServiceObject } from '../control/view.ts'
import type { ReplicaName } from '../core/names.ts'
import type { AdminClient } from './client.ts'

/** What commands work against: what `up` serves on this machine, or a cluster. Each part is opened when it is used. */
export interface Backend extends AsyncDisposable {
  /** The namespace of a command without -n. */
  readonly namespace: string
  readonly changes: Changes
  readonly logs: LogReader
  /** What runs and why. @throws CliError */
  admin(): Promise<AdminClient>
  /** An InferenceService now and after each change, undefined while there is none; ends when `signal` is aborted. */
  service(
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): AsyncIterable<InferenceServiceObject | undefined>
}

/** What people change by hand. Each method rejects with a CliError that says what was refused. */
export interface Changes {
  /** All documents are checked first; if one is refused, none is taken. */
  apply(yaml: string): Promise<readonly Applied[]>
  remove(what: Removable): Promise<void>
  /** Undefined deletes `spec.predictor.canaryTrafficPercent`. */
  setCanary(namespace: string, name: string, percent: number | undefined): Promise<void>
}

export interface Applied extends AppliedObject {
  /** Absent for one of KServe's kinds. */
  readonly apiVersion?: string
}

export interface Removable {
  readonly kind: string
  /** Absent for one of KServe's kinds. */
  readonly apiVersion?: string
  readonly namespace: string
  readonly name: string
}

export interface LogReader {
  /** The replicas that a name stands for: its own, its revision's or its service's. @throws CliError when there are none now. */
  find(named: ReplicaName): Promise<readonly ReplicaName[]>
  /** What a replica wrote, in pieces as they come. */
  read(
    replica: ReplicaName,
    options: { readonly follow: boolean; readonly tail?: number },
    signal: AbortSignal,
  ): AsyncIterable<string>
}
