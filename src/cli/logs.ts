import { qualified, split } from '../core/names.ts'
import type { LogReader } from './backend.ts'
import type { Io } from './io.ts'
import { withProgress } from './progress.ts'

export interface LogsOptions {
  readonly namespace: string
  readonly follow: boolean
  readonly tail?: number
}

/** `pilotlight logs REPLICA|REVISION|ISVC`: one replica's lines as they are, those of several with its name before each. */
export async function logs(io: Io, reader: LogReader, name: string, options: LogsOptions): Promise<void> {
  const named = qualified(options.namespace, name)
  const replicas = await withProgress(io, () => 'waiting for the admin API', reader.find(named))
  await Promise.all(
    replicas.map(async (replica) => {
      const prefix = replicas.length === 1 ? '' : `[${split(replica).name}] `
      for await (const line of lines(reader.read(replica, options, io.signal))) io.out(`${prefix}${line}\n`)
    }),
  )
}

/** Whole lines: those of several replicas must not break into each other. */
async function* lines(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of pieces) {
    const parts = (rest + piece).split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
  if (rest !== '') yield rest
}
