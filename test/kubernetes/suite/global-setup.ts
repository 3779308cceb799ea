import { RedisServer } from '../../support/redis.ts'
import { attachTestbed } from '../testbed/index.ts'

/** The address of the test bed that pods and tests reach alike. */
const BED = '10.96.0.1'

/** A Redis for the whole run that tests can break. With the real kubelet it is the chart's own, in a pod. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env['PILOTLIGHT_TESTBED'] === undefined || attachTestbed().kubelet === 'real') return undefined
  const redis = await RedisServer.start({ host: BED })
  process.env['PILOTLIGHT_TEST_REDIS'] = redis.url
  process.env['PILOTLIGHT_TEST_REDIS_PID'] = String(redis.pid)
  return async () => redis[Symbol.asyncDispose]()
}
