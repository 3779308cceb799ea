import { RedisServer } from '../../support/redis.ts'

/** The address of the test bed that pods and tests reach alike. */
const BED = '10.96.0.1'

/** A Redis for the whole run: in a test bed there is no DNS that would lead to the chart's own. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env['PILOTLIGHT_TESTBED'] === undefined) return undefined
  const redis = await RedisServer.start({ host: BED })
  process.env['PILOTLIGHT_TEST_REDIS'] = redis.url
  process.env['PILOTLIGHT_TEST_REDIS_PID'] = String(redis.pid)
  return async () => redis[Symbol.asyncDispose]()
}
