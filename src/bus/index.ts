/** How gateways and the controller hear each other: in memory within one process, through Redis between several. */
export { MemoryBus } from './memory.ts'
export { RedisBus } from './redis.ts'
export type { RedisBusOptions } from './redis-options.ts'
