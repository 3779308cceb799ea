export interface ServerSentEvent {
  readonly event: string
  readonly data: string
}

/** The events of a stream: fields up to an empty line; comments and `retry` are left out. */
export async function* serverSentEvents(
  chunks: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder()
  let pieces: string[] = []
  for await (const chunk of chunks) {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    pieces.push(text)
    // A snapshot of megabytes comes in many chunks: it is joined once, when its end may be there.
    if (!text.includes('\n')) continue
    const blocks = pieces.join('').split('\n\n')
    pieces = [blocks.pop() ?? '']
    for (const block of blocks) {
      const event = readEvent(block)
      if (event !== undefined) yield event
    }
  }
}

function readEvent(block: string): ServerSentEvent | undefined {
  const fields = block.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line))
  const data = fields.filter((field) => field?.[1] === 'data').map((field) => field![2]!)
  if (data.length === 0) return undefined
  return { event: fields.find((field) => field?.[1] === 'event')?.[2] ?? 'message', data: data.join('\n') }
}
