/** 0 ok, 1 refused, not found or failed, 2 usage, 3 the admin API cannot be reached. */
export const exitCodes = { failed: 1, usage: 2, unreachable: 3 } as const

/** Why a command ends without success: the message is printed, the code is the process's. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: number

  constructor(kind: keyof typeof exitCodes, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCodes[kind]
  }
}
