import type { Replica } from '../../core/replica.ts'
import { STORAGE_INITIALIZER } from '../objects/index.ts'
import { msOf, type Part, type PodParts, type PodStatus, type Terminated } from './pod.ts'

/** What a failed replica shows, and since when; undefined where the pod does not say. */
export type Failure = Pick<Replica, 'reason' | 'reasonCode' | 'exitCode' | 'retryAtMs'> & {
  readonly sinceMs?: number
}

/** Whether it is the init container that fetches the model; several models have several. */
export function isStorageInitializer({ container: { name } }: Part): boolean {
  return name === STORAGE_INITIALIZER || name.startsWith(`${STORAGE_INITIALIZER}-`)
}

/** The first container that cannot start, or ended; of those that run, the one that serves comes first. */
export function failureOf({ serving, others, init }: PodParts): Failure | undefined {
  for (const part of init) {
    const failure = partFailure(part)
    if (failure !== undefined && part.status?.state?.terminated?.exitCode !== 0) {
      return isStorageInitializer(part) && failure.reasonCode !== 'ImagePullBackOff'
        ? { ...failure, reasonCode: 'StorageError' }
        : failure
    }
  }
  for (const part of serving === undefined ? others : [serving, ...others]) {
    const failure = partFailure(part, part === serving)
    if (failure !== undefined) return failure
  }
  return undefined
}

/** Why the whole pod ended. */
export function podFailure(status: PodStatus, parts: PodParts): Failure {
  const ended = failureOf(parts)
  const { reason, message } = status
  // Eviction ends the containers, too: the pod's own reason is the better one.
  if (reason === undefined || reason === '') {
    return ended ?? { reasonCode: 'Exited', reason: 'the pod ended' }
  }
  return {
    ...(ended?.sinceMs === undefined ? {} : { sinceMs: ended.sinceMs }),
    reasonCode: reason === 'NodeLost' ? 'NodeLost' : 'Evicted',
    reason: tail(message) === '' ? reason : `${reason}: ${tail(message)}`,
  }
}

function partFailure({ container, status }: Part, isServing = false): Failure | undefined {
  const who = isServing ? '' : `container ${container.name}: `
  const { waiting, terminated } = status?.state ?? {}
  if (terminated !== undefined) return endFailure(who, terminated, 'Exited')
  if (waiting?.reason === undefined) return undefined
  const { reason, message } = waiting
  const sentence = `${who}${tail(message) === '' ? reason : `${reason}: ${tail(message)}`}`
  if (reason === 'CrashLoopBackOff') {
    const last = status?.lastState?.terminated
    if (last === undefined) return { reasonCode: 'CrashLoopBackOff', reason: sentence }
    const finishedMs = msOf(last.finishedAt)
    const backOffMs = backOffOf(message)
    return {
      ...endFailure(who, last, 'CrashLoopBackOff'),
      ...(finishedMs === undefined || backOffMs === undefined ? {} : { retryAtMs: finishedMs + backOffMs }),
    }
  }
  if (PULL_FAILURES.has(reason)) return { reasonCode: 'ImagePullBackOff', reason: sentence }
  if (START_FAILURES.has(reason)) return { reasonCode: startFailureCode(message), reason: sentence }
  return undefined
}

/** A kubelet shows them by turns while it tries again. */
const PULL_FAILURES: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
])

const START_FAILURES: ReadonlySet<string> = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'PreCreateHookError',
  'PreStartHookError',
  'PostStartHookError',
])

function startFailureCode(message: string | undefined): 'CommandNotFound' | 'CreateContainerConfigError' {
  return /executable file not found|exec: .*(?:no such file or directory|permission denied)/.test(
    message ?? '',
  )
    ? 'CommandNotFound'
    : 'CreateContainerConfigError'
}

function endFailure(who: string, ended: Terminated, code: 'Exited' | 'CrashLoopBackOff'): Failure {
  const { exitCode, signal = 0, reason, message } = ended
  const finishedMs = msOf(ended.finishedAt)
  const since = finishedMs === undefined ? {} : { sinceMs: finishedMs }
  // The runtime could not start its command: there is no process whose exit code this would be.
  if (reason === 'StartError' || reason === 'ContainerCannotRun') {
    return { ...since, reasonCode: startFailureCode(message), reason: `${who}${reason}: ${tail(message)}` }
  }
  const isOutOfMemory = reason === 'OOMKilled'
  const how = `ended with ${signal > 0 ? `signal ${signal}` : `exit code ${exitCode}`}`
  const memory = isOutOfMemory ? ', it used more memory than its limit (OOMKilled)' : ''
  const said = tail(message)
  return {
    ...since,
    reasonCode: isOutOfMemory ? 'OOMKilled' : code,
    reason: `${who}${how}${memory}${said === '' ? '' : `: ${said}`}`,
    exitCode,
  }
}

const TAIL_CHARS = 600

/** The end of a message: of a stack trace the part that says what went wrong. */
function tail(message: string | undefined): string {
  return (message ?? '').trim().slice(-TAIL_CHARS)
}

/** `back-off 2m40s restarting failed container=...` is 160,000. */
function backOffOf(message: string | undefined): number | undefined {
  const parts = /\bback-off (?:(\d+)m)?(?:(\d+)s)? restarting\b/.exec(message ?? '')
  return parts === null ? undefined : (Number(parts[1] ?? 0) * 60 + Number(parts[2] ?? 0)) * 1_000
}
