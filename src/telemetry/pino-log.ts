import { pino, stdSerializers } from 'pino'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/telemetry.ts'
import { prettyLine } from './pretty-line.ts'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface PinoLogOptions {
  readonly clock: Clock
  /** Default `info`. */
  readonly level?: LogLevel
  /** One readable line instead of JSON: for a terminal. */
  readonly pretty?: boolean
  readonly colour?: boolean
  /** Where lines go, newline included. Default: standard error, so that standard output stays for answers. */
  readonly write?: (line: string) => void
}

/** A log of JSON lines: level, time (epoch ms), the fields, msg. */
export function pinoLog(options: PinoLogOptions): Log {
  const write = options.write ?? ((line: string): void => void process.stderr.write(line))
  const { clock, pretty = false, colour = false } = options
  return pino(
    {
      level: options.level ?? 'info',
      base: null,
      timestamp: () => `,"time":${Math.round(clock.now())}`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.err, error: stdSerializers.err },
    },
    { write: pretty ? (line: string): void => write(prettyLine(line, colour)) : write },
  )
}
