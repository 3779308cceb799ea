/**
 * Asks replicas whether they can answer, wherever they run: over HTTP, TCP, gRPC's health service, or by a command
 * of this machine. `untilAllReady` asks until the yes; `modelCheck` is the question for those who bring no probe.
 */
export type { Check } from './check.ts'
export { modelCheck } from './model-check.ts'
export { checkPauseMs, podPauseMs, type PauseRule } from './pause.ts'
export { Turns } from './turns.ts'
export { untilAllReady, type AskOptions } from './until-ready.ts'
