import { describe, expect, it } from 'vitest'
import { readExposition } from '../signals/index.ts'
import { SeriesHistory, selectorOf, type Selector } from './series.ts'

function selector(text: string): Selector {
  const parsed = selectorOf(text)
  if ('problem' in parsed) throw new Error(parsed.problem)
  return parsed
}

describe('selectorOf', () => {
  it('reads a name and its labels', () => {
    expect(selector(' vllm:jobs ')).toEqual({ name: 'vllm:jobs', labels: [] })
    expect(selector('jobs{}')).toEqual({ name: 'jobs', labels: [] })
    expect(selector(String.raw`jobs{queue="a\"b", kind!="x\\y" ,}`).labels).toEqual([
      { label: 'queue', value: 'a"b', isEqual: true },
      { label: 'kind', value: String.raw`x\y`, isEqual: false },
    ])
  })

  it.each([
    '',
    '{}',
    '1jobs',
    'sum(jobs)',
    'jobs{queue=~"a"}',
    'jobs{queue="a"',
    'jobs{queue=a}',
    'jobs{"a"}',
    'jobs[5m]',
    'a b',
  ])('refuses %j and says what is allowed', (text) => {
    expect(selectorOf(text)).toEqual({
      problem: expect.stringContaining(
        `${JSON.stringify(text)} is no selector; name and name{label="value",other!="value"} are allowed`,
      ),
    })
  })
})

describe('a series', () => {
  function history(
    query: string,
    overTime?: ConstructorParameters<typeof SeriesHistory>[1],
    values: readonly string[] = ['1', '4', '2'],
  ) {
    const series = new SeriesHistory(selector(query), overTime)
    for (const [index, value] of values.entries()) {
      const text = `jobs{queue="a",kind="x"} ${value}\njobs{queue="b"} 100\nother 7\n`
      series.take(readExposition(text).samples, 10_000 * (index + 1))
    }
    return series.measured(30_000)
  }

  it.each([
    ['last_one', 2],
    ['avg', 7 / 3],
    ['max', 4],
    ['min', 1],
    ['count', 3],
    // 3 more, then anew from 0 to 2, in 20 s.
    ['rate', 0.25],
  ] as const)('over a minute is %s: %d', (overTime, value) => {
    expect(history('jobs{queue="a"}', overTime)).toEqual({ value, atMs: 30_000, from: 'jobs' })
  })

  it('is the sum of what its selector names', () => {
    expect(history('jobs')).toMatchObject({ value: 102 })
    expect(history('jobs{kind!="x"}')).toMatchObject({ value: 100 })
    expect(history('jobs{kind=""}')).toMatchObject({ value: 100 })
  })

  it('says why it has no value', () => {
    expect(history('absent')).toEqual({ absent: 'not exported', detail: 'absent is not exported' })
    expect(history('jobs{queue="a"}', undefined, ['NaN'])).toEqual({
      absent: 'not a number',
      detail: 'jobs is NaN',
    })
    expect(history('jobs', 'rate', ['1'])).toMatchObject({ absent: 'one scrape so far' })
  })

  it('forgets what was more than a minute ago', () => {
    const series = new SeriesHistory(selector('jobs'), 'max')
    series.take(readExposition('jobs 9\n').samples, 1_000)
    series.take(readExposition('jobs 3\n').samples, 50_000)
    expect(series.measured(60_000)).toMatchObject({ value: 9 })
    expect(series.measured(61_000)).toMatchObject({ value: 3 })
  })
})
