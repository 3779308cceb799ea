import type { Replica } from '../core/replica.ts'

/** Why a replica did not start, or ended: what `Replica.reason` and `reasonCode` show. */
export class ReplicaFailure extends Error {
  override readonly name = 'ReplicaFailure'
  readonly code: NonNullable<Replica['reasonCode']> | undefined
  /** False when no later try can go better: the template itself is at fault. */
  readonly canRetry: boolean
  readonly exitCode: number | undefined

  constructor(
    code: Replica['reasonCode'],
    reason: string,
    options: { readonly canRetry?: boolean; readonly exitCode?: number; readonly cause?: unknown } = {},
  ) {
    super(reason, { cause: options.cause })
    this.code = code
    this.canRetry = options.canRetry ?? true
    this.exitCode = options.exitCode
  }
}

/** The sentence of an error, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The `code` of a system error: ENOENT, EACCES ...; undefined for any other. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
