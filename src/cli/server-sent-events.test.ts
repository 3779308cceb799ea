import { expect, it } from 'vitest'
import { serverSentEvents, type ServerSentEvent } from './server-sent-events.ts'

async function read(...chunks: readonly (string | Uint8Array)[]) {
  async function* source() {
    yield* chunks
  }
  const events: ServerSentEvent[] = []
  for await (const event of serverSentEvents(source())) events.push(event)
  return events
}

it('reads events however their bytes are cut', async () => {
  const bytes = new TextEncoder().encode(
    'retry: 1000\n\n: still here\n\nevent: snapshot\ndata: {"ü":1}\n\ndata: a\ndata: b\n\n',
  )
  const expected = [
    { event: 'snapshot', data: '{"ü":1}' },
    { event: 'message', data: 'a\nb' },
  ]
  expect(await read(bytes)).toEqual(expected)
  expect(await read(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected)
})

it('leaves out an event whose end did not come', async () => {
  expect(await read('data: whole\n\ndata: ha')).toEqual([{ event: 'message', data: 'whole' }])
})
