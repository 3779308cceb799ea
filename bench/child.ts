import { once } from 'node:events'
import type { Server } from 'node:net'

export type Numbers = Readonly<Record<string, number>>

/**
 * The other end of processes.ts: says hello in numbers, then answers questions in numbers until the benchmark is gone.
 * Questions come one at a time.
 */
export function answerBenchmark(
  hello: Numbers,
  answer: (question: unknown) => Numbers | Promise<Numbers> = () => ({}),
): void {
  const say = (numbers: Numbers): void => void process.send?.(numbers)
  process.on('message', (question) => void Promise.resolve(answer(question)).then(say))
  process.on('disconnect', () => process.exit(0))
  say(hello)
}

/** The options that the benchmark gave, as JSON. */
export function optionsOfScript(): unknown {
  return JSON.parse(process.argv[2] ?? '{}')
}

/** Listens on a free port of 127.0.0.1 and gives it. */
export async function listenAnywhere(server: Server): Promise<number> {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  await once(server, 'listening')
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no TCP address')
  return bound.port
}

/** Collects garbage (needs --expose-gc), then says how large the heap is. */
export function collectGarbage(): Numbers {
  globalThis.gc?.()
  return { heapBytes: process.memoryUsage().heapUsed }
}
