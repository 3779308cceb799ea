/** How gateways and the controller hear each other: in memory within one process. */
export { MemoryBus } from './memory.ts'
