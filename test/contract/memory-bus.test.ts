import { MemoryBus } from '../../src/bus/index.ts'
import { busContract } from './bus.contract.ts'

busContract('MemoryBus', async () => {
  const bus = new MemoryBus()
  return { gateway: bus, otherGateway: bus, controller: bus, async [Symbol.asyncDispose]() {} }
})
