import { expect, it } from 'vitest'
import { GET, startWorld } from './world.ts'

it('what a replica says beyond its answer is not the answer to the next request of the same client', async () => {
  const world = await startWorld()
  const client = await world.asking(GET + GET)
  const replica = await world.replica.asked()
  replica.write(
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
  )
  await client.until('ok')
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(client.text).not.toContain('evil')
})
