import { Counter, Histogram, Registry, type OpenMetricsContentType } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { SeededRandom, type Random } from '../core/random.ts'
import type { ExpositionFormat, Sample } from './exposition-sample.ts'
import { ExpositionError, ExpositionReader, formatOf, readExposition } from './exposition.ts'

const utf8 = new TextEncoder()

/** Reads bytes in pieces of the given sizes, over and over. */
function inPieces(text: string, sizes: readonly number[], format: ExpositionFormat = 'prometheus') {
  const reader = new ExpositionReader({ format })
  const bytes = utf8.encode(text)
  let at = 0
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    reader.write(bytes.subarray(at, at + size))
    at += size
  }
  return reader.end()
}

function only(text: string, format: ExpositionFormat = 'prometheus'): Sample {
  const { samples, problems } = readExposition(format === 'openmetrics' ? `${text}\n# EOF\n` : text, {
    format,
  })
  expect(problems).toEqual([])
  expect(samples).toHaveLength(1)
  return samples[0]!
}

function problemOf(line: string, format: ExpositionFormat = 'prometheus'): string | undefined {
  const text = `before 1\n${line}\nafter 2\n${format === 'openmetrics' ? '# EOF\n' : ''}`
  const { samples, problems, broken } = readExposition(text, { format })
  expect(samples.map(({ name }) => name)).toEqual(['before', 'after'])
  expect(broken).toBe(1)
  expect(problems[0]?.line).toBe(2)
  return problems[0]?.problem
}

describe('a line', () => {
  it.each<[string, Sample]>([
    ['up 1', { name: 'up', labels: {}, value: 1 }],
    ['  up\t1 \r', { name: 'up', labels: {}, value: 1 }],
    ['up{} 1', { name: 'up', labels: {}, value: 1 }],
    ['up{a="b"}1', { name: 'up', labels: { a: 'b' }, value: 1 }],
    ['up {a="b",} 1', { name: 'up', labels: { a: 'b' }, value: 1 }],
    ['up{ a = "b" , c="" } 1', { name: 'up', labels: { a: 'b', c: '' }, value: 1 }],
    [
      String.raw`up{path="C:\\DIR\\F",said="\"hi\"\nthere",odd="\d"} 1`,
      {
        name: 'up',
        labels: { path: String.raw`C:\DIR\F`, said: '"hi"\nthere', odd: String.raw`\d` },
        value: 1,
      },
    ],
    ['up{brace="}",hash="# {"} 1', { name: 'up', labels: { brace: '}', hash: '# {' }, value: 1 }],
    ['vllm:x{model_name="Qwen/Ω"} 0.25', { name: 'vllm:x', labels: { model_name: 'Qwen/Ω' }, value: 0.25 }],
    [
      'up 1395066363000 1395066363000',
      { name: 'up', labels: {}, value: 1395066363000, timestampMs: 1395066363000 },
    ],
    ['up -1e-3 -3982045', { name: 'up', labels: {}, value: -0.001, timestampMs: -3982045 }],
    ['{"my.metric", job="a"} 3', { name: 'my.metric', labels: { job: 'a' }, value: 3 }],
    ['up{"a label"="b"} 3', { name: 'up', labels: { 'a label': 'b' }, value: 3 }],
  ])('%s', (line, sample) => expect(only(line)).toEqual(sample))

  it.each([
    ['NaN', Number.NaN],
    ['nan', Number.NaN],
    ['+Inf', Infinity],
    ['-Inf', -Infinity],
    ['inf', Infinity],
    ['1e308', 1e308],
    ['.5', 0.5],
    ['5.', 5],
  ])('has the value %s', (written, value) => expect(only(`x ${written}`).value).toBe(value))

  it('has a label of any name that is allowed', () => {
    const { labels } = only('x{__proto__="a",constructor="b"} 1')
    expect(Object.entries(labels)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
  })

  it('of OpenMetrics has seconds and an exemplar', () => {
    const line = 'ttft_bucket{le="0.1"} 17 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.067 1520879607.001'
    expect(only(line, 'openmetrics')).toEqual({
      name: 'ttft_bucket',
      labels: { le: '0.1' },
      value: 17,
      timestampMs: 1520879607789,
      exemplar: { labels: { trace_id: 'KOO5S4vxi0o' }, value: 0.067, timestampMs: 1520879607001 },
    })
    expect(only('x_total 17 # {} 0.5', 'openmetrics').exemplar).toEqual({ labels: {}, value: 0.5 })
  })

  it.each([
    ['up', 'the value is ""; a decimal number, NaN, +Inf or -Inf is allowed'],
    ['up abc', 'the value is "abc"; a decimal number, NaN, +Inf or -Inf is allowed'],
    ['up 0x10', 'the value is "0x10"; a decimal number, NaN, +Inf or -Inf is allowed'],
    ['up 1_000', 'the value is "1_000"; a decimal number, NaN, +Inf or -Inf is allowed'],
    ['up 1-2', 'the value is "1-2"; a decimal number, NaN, +Inf or -Inf is allowed'],
    ['up 1 2.5', 'the timestamp of the value is "2.5"; whole milliseconds since 1970 are allowed'],
    ['up 1 2 3', '"3" stands behind the sample; a timestamp and an exemplar are allowed'],
    ['up{a="b} 1', 'the value of label "a" is not closed by a double quote'],
    ['up{a=b} 1', 'the value of label "a" is not in double quotes'],
    ['up{a="b" 1', 'the labels are not closed by }'],
    ['up{a="b"', 'the labels are not closed by }'],
    ['up{', "a label's name begins with the end of the line; letters, digits and _ are allowed, and }"],
    ['up{a="1",a="2"} 1', 'label "a" is there twice; once is allowed'],
    ['up{a} 1', 'label "a" has no value; name="value" is allowed'],
    ['{a="b"} 1', 'the metric has no name; name{label="value"} number is allowed'],
    ['9lives 1', 'a line begins with "9"; letters, digits, _ and : are allowed in a name'],
    ['my-metric 1', 'the name "my" goes on with "-"; letters, digits, _ and : are allowed in a name'],
    ['<html>', 'a line begins with "<"; letters, digits, _ and : are allowed in a name'],
    ['up 1 # 0.5', 'an exemplar has no labels; # {name="value"} number is allowed'],
  ])('that is broken leaves the others: %s', (line, problem) => expect(problemOf(line)).toBe(problem))
})

describe('an exposition', () => {
  const text = [
    String.raw`# HELP a_total What is "counted",\nin C:\\.`,
    '# TYPE a_total counter',
    'a_total{m="1"} 1',
    '# just a comment',
    '',
    '# TYPE b histogram',
    'b_bucket{le="+Inf"} 3',
    'b_sum 1.5',
    'b_count 3',
    '# UNIT c seconds',
    'c_seconds NaN',
  ].join('\n')

  it('tells of its families when it is asked', () => {
    const { families, samples, lines } = readExposition(text, { metadata: true })
    expect(families).toEqual([
      { name: 'a_total', help: 'What is "counted",\nin C:\\.', type: 'counter' },
      { name: 'b', type: 'histogram' },
      { name: 'c', unit: 'seconds' },
    ])
    expect(samples.map(({ name }) => name)).toEqual(['a_total', 'b_bucket', 'b_sum', 'b_count', 'c_seconds'])
    expect(lines).toBe(11)
    expect(readExposition(text).families).toEqual([])
  })

  it('names a type that there is none of', () => {
    const { problems } = readExposition('# TYPE a meter\n# HELP\n# TYPE {} gauge\n', { metadata: true })
    expect(problems).toEqual([
      {
        line: 1,
        problem:
          'the type of a is "meter"; counter, gauge, histogram, summary, untyped, unknown, info, stateset, gaugehistogram are allowed',
      },
      { line: 3, problem: '# TYPE has no metric name behind it' },
    ])
  })

  it('is read for the names that are wanted, also between others', () => {
    const mixed = 'a 1\nab 2\na{x="1"} 3\nb 4\na 5\n{"b"} 6\n{"c"} 7\na{broken\nab{broken\n'
    const { samples, broken } = readExposition(mixed, { wanted: new Set(['b', 'ab']) })
    expect(samples.map(({ name, value }) => [name, value])).toEqual([
      ['ab', 2],
      ['b', 4],
      ['b', 6],
    ])
    expect(broken).toBe(1)
  })

  it('of OpenMetrics ends with # EOF', () => {
    const read = (whole: string) => readExposition(whole, { format: 'openmetrics' })
    expect(read('a 1\n# EOF\n').problems).toEqual([])
    expect(read('a 1\n').problems).toEqual([
      { line: 1, problem: 'the text does not end with # EOF: it may be cut off' },
    ])
    expect(read('a 1\n# EOF\nb 2\n').problems).toEqual([
      { line: 3, problem: 'a sample stands behind # EOF; nothing is allowed there' },
    ])
    expect(readExposition('a 1\n# EOF\nb 2\n').samples).toHaveLength(2)
  })

  it('is refused at its first broken line, if asked', () => {
    expect(() => readExposition('a 1\nb x\nc y\n', { onBroken: 'refuse' })).toThrow(
      new ExpositionError('line 2: the value is "x"; a decimal number, NaN, +Inf or -Inf is allowed'),
    )
  })

  it('names ten broken lines and counts all', () => {
    const { problems, broken, samples } = readExposition(`${'a b\n'.repeat(500)}a 1\n`)
    expect(problems.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(broken).toBe(500)
    expect(samples).toHaveLength(1)
  })

  it.each([
    [{ bytesMax: 20 }, 'the metrics hold 24 bytes; 20 are allowed (bytesMax)'],
    [{ linesMax: 3 }, 'the metrics hold 4 lines; 3 are allowed (linesMax)'],
    [{ samplesMax: 3 }, 'the metrics hold 4 samples that are wanted; 3 are allowed (samplesMax)'],
    [{ lineBytesMax: 4 }, 'the metrics hold a line of 5 bytes; 4 are allowed (lineBytesMax)'],
  ])('is refused as a whole beyond %o', (bounds, message) => {
    const reader = new ExpositionReader({ bounds })
    const write = (): unknown => {
      reader.write(utf8.encode('ab 12\nab 12\nab 12\nab 12\n'))
      return reader.end()
    }
    expect(write).toThrow(new ExpositionError(message))
  })

  it('keeps no more than a line of what never ends', () => {
    const reader = new ExpositionReader({ bounds: { lineBytesMax: 100 } })
    const endless = (): void => {
      for (let turn = 0; turn < 1_000; turn += 1) reader.write(utf8.encode('a'))
    }
    expect(endless).toThrow('the metrics hold a line of 101 bytes; 100 are allowed (lineBytesMax)')
  })

  it('is read as its content-type says', () => {
    expect(formatOf('application/openmetrics-text; version=1.0.0; charset=utf-8')).toBe('openmetrics')
    expect(formatOf('text/plain; version=0.0.4')).toBe('prometheus')
    expect(formatOf(undefined)).toBe('prometheus')
  })

  it('does not change with a buffer that is used again', () => {
    const reader = new ExpositionReader()
    const shared = utf8.encode('a{b="c')
    reader.write(shared)
    shared.fill(120)
    reader.write(utf8.encode('d"} 1'))
    expect(reader.end().samples).toEqual([{ name: 'a', labels: { b: 'cd' }, value: 1 }])
  })
})

describe('prom-client', () => {
  const path = 'C:\\"x"\n'

  it("is read in Prometheus' format", async () => {
    const registry = new Registry()
    const registers = [registry]
    const help = 'All\nof them'
    new Counter({ name: 'requests_total', help, labelNames: ['path'], registers }).inc({ path }, 3)
    new Histogram({ name: 'seconds', help: 'How long', buckets: [0.1, 1], registers }).observe(0.5)
    const { samples, families, problems } = readExposition(await registry.metrics(), { metadata: true })
    expect(problems).toEqual([])
    expect(families).toContainEqual({ name: 'requests_total', type: 'counter', help })
    expect(samples).toEqual([
      { name: 'requests_total', labels: { path }, value: 3 },
      { name: 'seconds_bucket', labels: { le: '0.1' }, value: 0 },
      { name: 'seconds_bucket', labels: { le: '1' }, value: 1 },
      { name: 'seconds_bucket', labels: { le: '+Inf' }, value: 1 },
      { name: 'seconds_sum', labels: {}, value: 0.5 },
      { name: 'seconds_count', labels: {}, value: 1 },
    ])
  })

  it('is read as OpenMetrics, with its exemplars', async () => {
    const registry = new Registry<OpenMetricsContentType>()
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
    const settings = { name: 'requests', help: 'All', labelNames: ['path'], enableExemplars: true }
    const requests = new Counter({ ...settings, registers: [registry] })
    requests.inc({ labels: { path }, value: 3, exemplarLabels: { trace_id: 'abc' } })
    const { samples, problems } = readExposition(await registry.metrics(), {
      format: formatOf(registry.contentType),
    })
    expect(problems).toEqual([])
    expect(samples).toMatchObject([
      {
        name: 'requests_total',
        labels: { path },
        value: 3,
        exemplar: { labels: { trace_id: 'abc' }, value: 3 },
      },
    ])
  })
})

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)]!
}

const ALPHABET = [
  'a',
  'Z',
  '_',
  '0',
  ' ',
  '"',
  '\\',
  '\n',
  '}',
  '{',
  ',',
  '=',
  '#',
  'é',
  '漢',
  '🚀',
  '\t',
  '\u0000',
]
const NUMBERS = [0, -0, 1, 0.1, -2.5, 1e21, 5e-324, Number.NaN, Infinity, -Infinity, 123456789]

function randomSample(random: Random, format: ExpositionFormat): Sample {
  const text = (): string => Array.from({ length: random.below(12) }, () => pick(random, ALPHABET)).join('')
  const name = (): string =>
    pick(random, ['a', 'b_c', 'vllm:x', '_', ':y']) +
    Array.from({ length: random.below(4) }, () => random.below(10)).join('')
  const labels = (): Record<string, string> =>
    Object.fromEntries(
      Array.from({ length: random.below(5) }, (_, at) => [`l${at}_${random.below(9)}`, text()]),
    )
  const number = (): number =>
    random.below(2) === 0 ? pick(random, NUMBERS) : random.next() * 10 ** random.below(9)
  const time = (): { timestampMs?: number } =>
    random.below(2) === 0 ? {} : { timestampMs: random.below(2 ** 31) * 1000 + random.below(1000) }
  const sample: Sample = { name: name(), labels: labels(), value: number(), ...time() }
  if (format === 'prometheus' || random.below(2) === 0) return sample
  return { ...sample, exemplar: { labels: labels(), value: number(), ...time() } }
}

function textOf(samples: readonly Sample[], random: Random, format: ExpositionFormat): string {
  const blank = (least: number): string => pick(random, ['', ' ', '\t', '  ']).padEnd(least, ' ')
  const quoted = (text: string): string =>
    `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
  const braces = (labels: Readonly<Record<string, string>>): string =>
    `{${Object.entries(labels)
      .map(([label, value]) => `${blank(0)}${label}${blank(0)}=${blank(0)}${quoted(value)}${blank(0)}`)
      .join(',')}}`
  const number = (value: number): string => {
    if (Number.isNaN(value)) return 'NaN'
    if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
    return Object.is(value, -0) ? '-0' : String(value)
  }
  const time = ({ timestampMs }: { timestampMs?: number }): string => {
    if (timestampMs === undefined) return ''
    return blank(1) + (format === 'prometheus' ? String(timestampMs) : (timestampMs / 1000).toFixed(3))
  }
  const lines = samples.map((sample) => {
    const { exemplar } = sample
    const example =
      exemplar === undefined ? '' : ` # ${braces(exemplar.labels)} ${number(exemplar.value)}${time(exemplar)}`
    const comment =
      random.below(4) === 0 ? `# ${pick(random, ['HELP a b', 'TYPE a gauge', 'any {', ''])}\n` : ''
    const labels = Object.keys(sample.labels).length > 0 || random.below(2) === 0 ? braces(sample.labels) : ''
    return `${comment}${sample.name}${labels}${blank(1)}${number(sample.value)}${time(sample)}${example}\n`
  })
  return lines.join('') + (format === 'openmetrics' ? '# EOF\n' : '')
}

describe.each<ExpositionFormat>(['prometheus', 'openmetrics'])('whatever is written as %s', (format) => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))('comes back, in any pieces (seed %d)', (seed) => {
    const random = new SeededRandom(seed)
    const samples = Array.from({ length: 1 + random.below(30) }, () => randomSample(random, format))
    const text = textOf(samples, random, format)
    const whole = readExposition(text, { format })
    expect(whole.problems).toEqual([])
    expect(whole.samples).toEqual(samples)
    const sizes = Array.from({ length: 1 + random.below(4) }, () => 1 + random.below(40))
    expect(inPieces(text, sizes, format).samples).toEqual(samples)
    const wanted = new Set(samples.slice(0, 3).map(({ name }) => name))
    expect(readExposition(text, { format, wanted }).samples).toEqual(
      samples.filter(({ name }) => wanted.has(name)),
    )
  })

  it('may be cut anywhere: the lines before the cut stand', () => {
    const random = new SeededRandom(4)
    const samples = Array.from({ length: 12 }, () => randomSample(random, format))
    const text = textOf(samples, random, format)
    for (let cut = 0; cut <= text.length; cut += 1) {
      const piece = text.slice(0, cut)
      const whole = readExposition(piece.slice(0, piece.lastIndexOf('\n') + 1), { format }).samples
      const read = readExposition(piece, { format, metadata: true })
      expect(read.samples.slice(0, whole.length)).toEqual(whole)
      expect(read.samples.length - whole.length).toBeLessThanOrEqual(1)
      expect(inPieces(piece, [7], format).samples).toEqual(read.samples)
    }
  })

  it('may be damaged anywhere: nothing is thrown, and lines apart from the damage stand', () => {
    const random = new SeededRandom(9)
    for (let turn = 0; turn < 400; turn += 1) {
      const samples = Array.from({ length: 6 }, () => randomSample(random, format))
      const lines = samples.map((sample) => textOf([sample], random, 'prometheus'))
      const at = random.below(lines.length)
      const victim = lines[at]!
      const hit = random.below(victim.length)
      lines[at] = `${victim.slice(0, hit)}${pick(random, ALPHABET)}${victim.slice(hit + random.below(3))}`
      const read = readExposition(lines.join(''), { metadata: true })
      const others = lines.filter((_, index) => index !== at && index !== at + 1).join('')
      expect(read.samples).toEqual(expect.arrayContaining([...readExposition(others).samples]))
    }
  })
})
