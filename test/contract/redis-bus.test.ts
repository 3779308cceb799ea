import { afterAll, beforeAll } from 'vitest'
import { RedisBus } from '../../src/bus/index.ts'
import { SystemClock } from '../../src/core/clock.ts'
import type { Bus } from '../../src/core/report.ts'
import { RedisServer } from '../support/redis.ts'
import { busContract } from './bus.contract.ts'

let server: RedisServer
beforeAll(async () => {
  server = await RedisServer.start()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

/**
 * The suite tells stories in which one thing comes after another although different processes do them. So each act
 * waits here until Redis has taken the one before it.
 */
class Story {
  #before: Promise<void> = Promise.resolve()

  tell(bus: RedisBus): Bus {
    const then = <T>(act: () => T | Promise<T>): Promise<T> => {
      const acted = this.#before.then(act)
      this.#before = acted.then(
        () => bus.settled(),
        () => bus.settled(),
      )
      return acted
    }
    const leaving = (joined: Promise<Disposable>): Disposable => ({
      [Symbol.dispose]: () => void then(async () => (await joined)[Symbol.dispose]()),
    })
    return {
      joinGateway: (member) => leaving(then(() => bus.joinGateway(member))),
      joinController: (member) => leaving(then(() => bus.joinController(member))),
      report: (reports) => void then(() => bus.report(reports)),
      wake: (revision) => void then(() => bus.wake(revision)),
      keep: (revision) => void then(() => bus.keep(revision)),
      tell: (gateway, message) => void then(() => bus.tell(gateway, message)),
      letGo: (revision, signal) => then(() => bus.letGo(revision, signal)),
      load: (replicas, signal) => then(() => bus.load(replicas, signal)),
    }
  }

  async end(): Promise<void> {
    await this.#before
  }
}

let stories = 0

busContract('RedisBus', async () => {
  stories += 1
  const prefix = `contract-${stories}`
  const open = async (name: string): Promise<RedisBus> => {
    const bus = await RedisBus.open({ url: server.url, prefix, name, clock: new SystemClock() })
    for await (const isConnected of bus.connected.values(new AbortController().signal)) {
      if (isConnected) break
    }
    return bus
  }
  const buses = await Promise.all(['gateway', 'other-gateway', 'controller'].map((name) => open(name)))
  const story = new Story()
  const [gateway, otherGateway, controller] = buses.map((bus) => story.tell(bus))
  return {
    gateway: gateway!,
    otherGateway: otherGateway!,
    controller: controller!,
    async [Symbol.asyncDispose]() {
      await story.end()
      await Promise.all(buses.map((bus) => bus.close()))
    },
  }
})
