/**
 * What has to be one step in Redis. The only clock is that of Redis, since those of the machines differ. Scripts are
 * sent whole: after a restart Redis knows none, and they are shorter than most messages.
 */

/** A gateway that was not heard of for this long is not asked; it says every second that it is there. */
const SEEN_MS = 5_000
/** When no gateway is left, the key goes too. */
const FORGET_MS = 60_000

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/**
 * KEYS: gateways. ARGV: the instance. Says that a gateway is there, and forgets those that are not, also those with
 * times to come: the clock of Redis was set back.
 */
export const ENROL = `${NOW}
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ${SEEN_MS})
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + ${SEEN_MS}, '+inf')
redis.call('PEXPIRE', KEYS[1], ${FORGET_MS})
return 1
`

/** KEYS: gateways. ARGV: the instance. It left. */
export const LEAVE = `return redis.call('ZREM', KEYS[1], ARGV[1])`

/** KEYS: gateways. ARGV: channel, message. Says it to all, and gives the instances that are there to hear it. */
export const ASK = `${NOW}
redis.call('PUBLISH', ARGV[1], ARGV[2])
return redis.call('ZRANGEBYSCORE', KEYS[1], now - ${SEEN_MS}, '+inf')
`
