import { beforeEach, describe, expect, it } from 'vitest'
import type { BodySink } from './exchange.ts'
import { ListFields, NO_FIELDS, type Fields } from './fields.ts'
import { EMPTY_BODY, KEEP_BYTES_MAX, KeptBody } from './request-body.ts'

/** What happened at either end, in order. */
let told: string[]
let body: KeptBody

/** A taker that says so, and can take no more for a while. */
class Sink implements BodySink {
  readonly name: string
  takesMore = true
  text = ''

  constructor(name: string) {
    this.name = name
  }

  write(chunk: Buffer): boolean {
    this.text += chunk.toString()
    told.push(`${this.name} write ${chunk.length}`)
    return this.takesMore
  }

  end(trailers: Fields): void {
    told.push(`${this.name} end ${trailers.count}`)
  }

  flush(): void {
    told.push(`${this.name} flush`)
  }
}

function bodyOf(length?: number): KeptBody {
  const source = {
    pause: () => void told.push('pause'),
    resume: () => void told.push('resume'),
    wanted: () => void told.push('wanted'),
  }
  return new KeptBody(source, length)
}

/** All that was told since the last time. */
function news(): string[] {
  return told.splice(0)
}

beforeEach(() => {
  told = []
  body = bodyOf()
})

describe('a body nobody takes yet', () => {
  it('is kept, and asks nothing of the client', () => {
    body.take(Buffer.from('one'))
    body.take(Buffer.from('two'))
    body.flush()
    expect([body.keptBytes, body.isComplete, body.isReplayable]).toEqual([6, false, true])
    expect(news()).toEqual([])
  })

  it('is read ahead up to the bound, and one piece beyond it', () => {
    body.take(Buffer.alloc(KEEP_BYTES_MAX))
    expect(news()).toEqual([])
    body.take(Buffer.alloc(1))
    expect(news()).toEqual(['pause'])
    // What had been read already is taken all the same.
    body.take(Buffer.alloc(10))
    expect([news(), body.keptBytes]).toEqual([[], KEEP_BYTES_MAX + 11])
  })

  it('may be whole before anyone takes it', () => {
    body.take(Buffer.from('all'))
    body.finish(NO_FIELDS)
    expect([body.isComplete, body.keptBytes, news()]).toEqual([true, 3, []])
    body.attach(new Sink('a'))
    // No client waits for 100 that has sent everything.
    expect(news()).toEqual(['a write 3', 'a end 0', 'a flush'])
  })

  it('tells its declared length', () => {
    expect([bodyOf(7).length, bodyOf().length]).toEqual([7, undefined])
  })
})

describe('an attempt that takes a body', () => {
  it('gets what is kept in the same turn and the rest as it comes, with the trailers', () => {
    const sink = new Sink('a')
    body.take(Buffer.from('one '))
    body.attach(sink)
    expect(news()).toEqual(['wanted', 'a write 4', 'a flush'])
    body.take(Buffer.from('two '))
    body.take(Buffer.from('three'))
    body.flush()
    body.finish(new ListFields(['checksum', 'abc']))
    body.flush()
    expect(news()).toEqual(['a write 4', 'a write 5', 'a flush', 'a end 1', 'a flush'])
    expect(sink.text).toBe('one two three')
    expect([body.isReplayable, body.isComplete, body.keptBytes]).toEqual([true, true, 13])
  })

  it('gets what was read ahead of the bound too, once and in order', () => {
    const sink = new Sink('a')
    body.take(Buffer.from('x'.repeat(KEEP_BYTES_MAX)))
    body.take(Buffer.from('y'))
    body.take(Buffer.from('z'))
    news()
    body.attach(sink)
    expect(news()).toEqual([
      'wanted',
      `a write ${KEEP_BYTES_MAX}`,
      'a write 1',
      'a write 1',
      'resume',
      'a flush',
    ])
    expect(sink.text.endsWith('xyz')).toBe(true)
    expect([body.isReplayable, body.keptBytes]).toEqual([false, 0])
    body.take(Buffer.from('w'))
    expect([news(), body.keptBytes]).toEqual([['a write 1'], 0])
  })

  it('keeps nothing of a long body from the piece on that passes the bound', () => {
    const sink = new Sink('a')
    body.attach(sink)
    body.take(Buffer.alloc(KEEP_BYTES_MAX - 1))
    body.take(Buffer.alloc(1))
    expect([body.isReplayable, body.keptBytes]).toEqual([true, KEEP_BYTES_MAX])
    body.take(Buffer.alloc(1))
    expect([body.isReplayable, body.keptBytes]).toEqual([false, 0])
    for (let count = 0; count < 100; count++) body.take(Buffer.alloc(KEEP_BYTES_MAX))
    expect(body.keptBytes).toBe(0)
    expect(sink.text).toHaveLength(101 * KEEP_BYTES_MAX + 1)
  })
})

describe('a slow replica', () => {
  it('pauses the client once, and resumes it once', () => {
    const sink = new Sink('a')
    body.attach(sink)
    news()
    sink.takesMore = false
    body.take(Buffer.from('one'))
    body.take(Buffer.from('two'))
    expect(news()).toEqual(['a write 3', 'pause', 'a write 3'])
    body.resume()
    body.resume()
    expect(news()).toEqual(['resume'])
  })

  it('pauses the client too if it is full after what was kept', () => {
    const sink = new Sink('a')
    sink.takesMore = false
    body.take(Buffer.from('one'))
    body.attach(sink)
    expect(news()).toEqual(['wanted', 'a write 3', 'pause', 'a flush'])
    body.resume()
    expect(news()).toEqual(['resume'])
  })

  it('leaves a client paused that was read ahead of', () => {
    const sink = new Sink('a')
    body.take(Buffer.alloc(KEEP_BYTES_MAX))
    body.take(Buffer.alloc(5))
    expect(news()).toEqual(['pause'])
    sink.takesMore = false
    body.attach(sink)
    expect(news()).not.toContain('resume')
    body.resume()
    expect(news()).toEqual(['resume'])
  })
})

describe('another attempt', () => {
  it('gets all from the first byte, and wakes no client a second time', () => {
    const [first, second] = [new Sink('a'), new Sink('b')]
    body.take(Buffer.from('one '))
    body.attach(first)
    body.take(Buffer.from('two '))
    body.detach()
    news()
    // Between two attempts the client goes on.
    body.take(Buffer.from('three '))
    body.flush()
    expect(news()).toEqual([])
    body.attach(second)
    body.take(Buffer.from('four'))
    body.finish(NO_FIELDS)
    expect(news()).toEqual(['b write 4', 'b write 4', 'b write 6', 'b flush', 'b write 4', 'b end 0'])
    expect([first.text, second.text]).toEqual(['one two ', 'one two three four'])
  })

  it('gets a body that was whole before the first one failed, trailers and all', () => {
    body.attach(new Sink('a'))
    body.take(Buffer.from('one'))
    body.finish(new ListFields(['checksum', 'abc']))
    body.detach()
    news()
    body.attach(new Sink('b'))
    expect(news()).toEqual(['b write 3', 'b end 1', 'b flush'])
    expect(body.isReplayable).toBe(true)
  })

  it('does not wait for the one before to take more', () => {
    const slow = new Sink('a')
    slow.takesMore = false
    body.attach(slow)
    body.take(Buffer.from('one'))
    body.detach()
    news()
    body.attach(new Sink('b'))
    expect(news()).toEqual(['b write 3', 'resume', 'b flush'])
  })

  it('cannot be had once bytes that are not kept have left', () => {
    body.attach(new Sink('a'))
    body.take(Buffer.alloc(KEEP_BYTES_MAX + 1))
    expect(body.isReplayable).toBe(false)
    body.detach()
    news()
    // The rest of it is bounded: one piece, then the client is paused until the body is discarded.
    body.take(Buffer.alloc(10))
    expect([news(), body.keptBytes]).toEqual([['pause'], 10])
    body.discard()
    expect([news(), body.keptBytes]).toEqual([['resume'], 0])
  })
})

describe('a body nobody wants any more', () => {
  it('flows and is thrown away', () => {
    body.take(Buffer.alloc(KEEP_BYTES_MAX))
    body.take(Buffer.alloc(1))
    news()
    body.discard()
    expect([news(), body.keptBytes]).toEqual([['resume'], 0])
    body.take(Buffer.alloc(1_000_000))
    body.flush()
    body.finish(NO_FIELDS)
    expect([news(), body.keptBytes, body.isComplete]).toEqual([[], 0, true])
  })

  it('is not told to the attempt that had it', () => {
    const sink = new Sink('a')
    body.attach(sink)
    body.discard()
    news()
    body.take(Buffer.from('rest'))
    body.flush()
    body.finish(NO_FIELDS)
    expect([news(), sink.text]).toEqual([[], ''])
  })
})

describe('EMPTY_BODY', () => {
  it('is whole, and the same for every attempt', () => {
    EMPTY_BODY.attach(new Sink('a'))
    EMPTY_BODY.detach()
    EMPTY_BODY.attach(new Sink('b'))
    EMPTY_BODY.resume()
    EMPTY_BODY.discard()
    expect(news()).toEqual(['a end 0', 'a flush', 'b end 0', 'b flush'])
    const { length, keptBytes, isComplete, isReplayable } = EMPTY_BODY
    expect([length, keptBytes, isComplete, isReplayable]).toEqual([0, 0, true, true])
  })
})
