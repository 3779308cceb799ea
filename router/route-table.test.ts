import { describe, expect, it } from 'vitest'
import type { RevisionName } from '../src/core/names.ts'
import type { Route, SplitTarget } from '../src/core/route.ts'
import { RouteTable, type Match } from './route-table.ts'
import type { Cursor } from './split.ts'

const HOST = 'iris.ml.example.com'

function route(changes: Partial<Route> = {}): Route {
  return {
    name: 'ml/iris-predictor',
    service: 'ml/iris',
    component: 'predictor',
    hosts: [HOST],
    pathPrefixes: [],
    match: 'all',
    split: [{ revision: 'ml/iris-predictor-00001', percent: 100 }],
    ...changes,
  }
}

function ask(
  table: RouteTable,
  host: string,
  path = '/v1/models/iris:predict',
  headers: Readonly<Record<string, string>> = {},
): Match | undefined {
  return table.match({ host, path, header: (name) => headers[name] })
}

const halves: SplitTarget[] = [
  { revision: 'ml/iris-predictor-00002', percent: 50 },
  { revision: 'ml/iris-predictor-00001', percent: 50 },
]

describe('RouteTable by host', () => {
  it.each([HOST, `${HOST}:8080`, HOST.toUpperCase(), `${HOST}.`, `${HOST}.:80`, 'Iris.ML.Example.com:443'])(
    'finds %s',
    (host) => {
      expect(ask(new RouteTable([route()]), host)).toMatchObject({
        revision: 'ml/iris-predictor-00001',
        path: '/v1/models/iris:predict',
      })
    },
  )

  it.each(['', 'other.example.com', `sub.${HOST}`, ':8080', 'iris.ml.example.com.evil.org'])(
    'knows no host %j',
    (host) => {
      expect(ask(new RouteTable([route()]), host)).toBeUndefined()
    },
  )

  it('finds an IPv6 address with and without a port', () => {
    const table = new RouteTable([route({ hosts: ['[::1]'] })])
    expect(ask(table, '[::1]')).toBeDefined()
    expect(ask(table, '[::1]:8080')).toBeDefined()
    expect(ask(table, '[::2]:8080')).toBeUndefined()
  })

  it('leaves the host with the route that had it first', () => {
    const second = route({ name: 'ml/other', split: [{ revision: 'ml/other-00001', percent: 100 }] })
    expect(ask(new RouteTable([route(), second]), HOST)?.route.name).toBe('ml/iris-predictor')
  })

  it('passes over a route without a revision', () => {
    const table = new RouteTable([route({ split: [] })])
    expect([table.size, ask(table, HOST)]).toEqual([0, undefined])
  })
})

describe('RouteTable by path', () => {
  const table = new RouteTable([
    route({ hosts: [], pathPrefixes: ['/serving/ml/iris'] }),
    route({
      name: 'ml/deep',
      hosts: [],
      pathPrefixes: ['/serving/ml/iris/deep'],
      split: [{ revision: 'ml/deep-00001', percent: 100 }],
    }),
  ])

  it.each([
    { path: '/serving/ml/iris/v1/models/iris:predict', rest: '/v1/models/iris:predict' },
    { path: '/serving/ml/iris', rest: '/' },
    { path: '/serving/ml/iris/', rest: '/' },
    { path: '/serving/ml/iris?a=/b', rest: '/?a=/b' },
    { path: '/serving/ml/iris/v2?x=1&y=/z', rest: '/v2?x=1&y=/z' },
  ])('cuts the prefix off $path', ({ path, rest }) => {
    expect(ask(table, 'gateway', path)).toMatchObject({ revision: 'ml/iris-predictor-00001', path: rest })
  })

  it('prefers the longest prefix', () => {
    expect(ask(table, 'gateway', '/serving/ml/iris/deep/er')).toMatchObject({
      revision: 'ml/deep-00001',
      path: '/er',
    })
    expect(ask(table, 'gateway', '/serving/ml/iris/deeper')?.path).toBe('/deeper')
  })

  it.each(['/', '/serving/ml', '/serving/ml/iris2/v1', '/Serving/ml/iris', '/x?/serving/ml/iris', '*', ''])(
    'does not find %j',
    (path) => {
      expect(ask(table, 'gateway', path)).toBeUndefined()
    },
  )

  it('looks at the host first, and leaves its path whole', () => {
    const both = new RouteTable([
      route(),
      route({ name: 'ml/deep', hosts: [], pathPrefixes: ['/serving/ml/iris'] }),
    ])
    expect(ask(both, HOST, '/serving/ml/iris/v1')).toMatchObject({
      route: { name: 'ml/iris-predictor' },
      path: '/serving/ml/iris/v1',
    })
  })
})

describe('RouteTable for an explainer', () => {
  const table = new RouteTable([
    route({ pathPrefixes: ['/serving/ml/iris'] }),
    route({
      name: 'ml/iris-explainer',
      component: 'explainer',
      match: 'explain',
      pathPrefixes: ['/serving/ml/iris'],
      split: [{ revision: 'ml/iris-explainer-00001', percent: 100 }],
    }),
  ])

  it.each<{ path: string; revision: RevisionName }>([
    { path: '/v1/models/iris:explain', revision: 'ml/iris-explainer-00001' },
    { path: '/v1/models/iris:explain?verbose=1', revision: 'ml/iris-explainer-00001' },
    { path: '/v1/models/iris:predict', revision: 'ml/iris-predictor-00001' },
    { path: '/v1/models/iris:explainer', revision: 'ml/iris-predictor-00001' },
    { path: '/v1/models/a/b:explain', revision: 'ml/iris-predictor-00001' },
    { path: '/v1/models/iris:predict?q=/v1/models/iris:explain', revision: 'ml/iris-predictor-00001' },
  ])('sends $path to $revision', ({ path, revision }) => {
    expect(ask(table, HOST, path)?.revision).toBe(revision)
    expect(ask(table, 'gateway', `/serving/ml/iris${path}`)).toMatchObject({ revision, path })
  })

  it('answers nothing else on a host that only explains', () => {
    const only = new RouteTable([route({ match: 'explain' })])
    expect(ask(only, HOST, '/v1/models/iris:explain')).toBeDefined()
    expect(ask(only, HOST, '/v1/models/iris:predict')).toBeUndefined()
  })
})

describe('RouteTable by model id', () => {
  const entryOf = (service: `${string}/${string}`, changes: Partial<Route> = {}): Route => {
    const [namespace, name] = service.split('/')
    return route({
      name: service,
      service,
      hosts: [`${name}.${namespace}.example.com`],
      pathPrefixes: [`/serving/${service}`],
      split: [{ revision: `${service}-predictor-00001`, percent: 100 }],
      ...changes,
    })
  }
  const GRPC = '/inference.GRPCInferenceService/ModelInfer'
  const table = new RouteTable([
    entryOf('ml/iris', {
      component: 'transformer',
      split: [{ revision: 'ml/iris-transformer-00001', percent: 100 }],
    }),
    // Routes of the same service that do not answer its own host.
    route({ name: 'ml/iris-predictor', hosts: ['iris-predictor.ml.example.com'] }),
    route({ name: 'ml/iris-explain', match: 'explain', hosts: ['iris.ml.example.com'] }),
    entryOf('ml/flower'),
    entryOf('default/flower'),
    entryOf('lab/flower'),
    entryOf('ml/twin'),
    entryOf('lab/twin'),
    entryOf('ml/soon'),
    entryOf('lab/soon', { split: [] }),
    entryOf('default/asleep', { split: [] }),
    entryOf('ml/asleep'),
  ])

  it.each<{ id: string; revision: RevisionName | undefined; why: string }>([
    { id: 'ml/iris', revision: 'ml/iris-transformer-00001', why: 'namespace and name' },
    { id: 'iris', revision: 'ml/iris-transformer-00001', why: 'only one namespace has it' },
    { id: 'lab/flower', revision: 'lab/flower-predictor-00001', why: 'namespace and name' },
    { id: 'flower', revision: 'default/flower-predictor-00001', why: 'several have it, default among them' },
    { id: 'twin', revision: undefined, why: 'several have it, not default' },
    { id: 'ml/twin', revision: 'ml/twin-predictor-00001', why: 'namespace and name' },
    { id: 'soon', revision: undefined, why: 'a second one cannot answer yet' },
    { id: 'ml/soon', revision: 'ml/soon-predictor-00001', why: 'namespace and name' },
    { id: 'asleep', revision: undefined, why: 'that of default cannot answer yet' },
    { id: 'iris-predictor', revision: undefined, why: 'a component, not a service' },
    { id: 'ml/iris-predictor', revision: undefined, why: 'a component, not a service' },
    { id: 'ml', revision: undefined, why: 'a namespace' },
    { id: '', revision: undefined, why: 'nothing' },
    { id: 'ml/iris/x', revision: undefined, why: 'too many parts' },
  ])('leads $id to $revision: $why', ({ id, revision }) => {
    const match = ask(table, 'gateway:8080', GRPC, { 'mm-model-id': id })
    expect(match?.revision).toBe(revision)
    expect(match?.path).toBe(revision === undefined ? undefined : GRPC)
  })

  it('takes the virtual model before the model', () => {
    const headers = { 'mm-vmodel-id': 'ml/flower', 'mm-model-id': 'ml/iris' }
    expect(ask(table, 'gateway', GRPC, headers)?.route.name).toBe('ml/flower')
    expect(ask(table, 'gateway', GRPC, { ...headers, 'mm-vmodel-id': 'ml/none' })).toBeUndefined()
  })

  it('is not looked at when the host or the path leads somewhere', () => {
    const asked: string[] = []
    const header = (name: string): string => {
      asked.push(name)
      return 'ml/iris'
    }
    expect(table.match({ host: 'flower.ml.example.com', path: GRPC, header })?.route.name).toBe('ml/flower')
    expect(table.match({ host: 'gateway', path: `/serving/lab/flower${GRPC}`, header })).toMatchObject({
      route: { name: 'lab/flower' },
      path: GRPC,
    })
    expect(asked).toEqual([])
  })

  it('divides the calls with those that come by the host', () => {
    const split = [
      { revision: 'ml/canary-predictor-00002', percent: 50 },
      { revision: 'ml/canary-predictor-00001', percent: 50 },
    ] as const
    const canary = new RouteTable([entryOf('ml/canary', { split })])
    const picked = Array.from({ length: 100 }, (_, nth) =>
      nth % 2 === 0
        ? ask(canary, 'canary.ml.example.com')?.revision
        : ask(canary, 'gateway', GRPC, { 'mm-model-id': 'canary' })?.revision,
    )
    expect(picked.filter((revision) => revision === 'ml/canary-predictor-00002')).toHaveLength(50)
  })
})

describe('RouteTable with stickiness', () => {
  it('gives one value of a header the same revision, and the others in turn', () => {
    const table = new RouteTable([route({ split: halves, sticky: { from: 'header', name: 'X-User' } })])
    const once = ask(table, HOST, '/', { 'x-user': 'ada' })?.revision
    for (let nth = 0; nth < 10; nth++) {
      expect(ask(table, HOST, '/', { 'x-user': 'ada' })?.revision).toBe(once)
    }
    const without = Array.from({ length: 4 }, () => ask(table, HOST, '/')?.revision)
    expect(new Set(without).size).toBe(2)
  })

  it('reads a cookie by its whole name', () => {
    const table = new RouteTable([route({ split: halves, sticky: { from: 'cookie', name: 'session' } })])
    const byHeader = new RouteTable([route({ split: halves, sticky: { from: 'header', name: 'key' } })])
    for (const value of ['a', 'b', 'c', 'd=e', '']) {
      const expected = ask(byHeader, HOST, '/', { key: value })?.revision
      for (const cookie of [
        `session=${value}`,
        `x=1; session=${value}; y=2`,
        `mysession=z;session=${value}`,
      ]) {
        expect(ask(table, HOST, '/', { cookie })?.revision).toBe(expected)
      }
    }
    const without = Array.from({ length: 4 }, () => ask(table, HOST, '/', { cookie: 'other=1' })?.revision)
    expect(new Set(without).size).toBe(2)
  })
})

describe('RouteTable replaced by another', () => {
  const split: SplitTarget[] = [
    { revision: 'ml/iris-predictor-00002', percent: 10 },
    { revision: 'ml/iris-predictor-00001', percent: 90 },
  ]

  /** How often the canary is picked when the table is replaced after each request. */
  function canaryPicks(replace: (table: RouteTable) => RouteTable): number {
    let table = new RouteTable([route({ split })])
    let picked = 0
    for (let nth = 0; nth < 100; nth++) {
      if (ask(table, HOST)?.revision === 'ml/iris-predictor-00002') picked += 1
      table = replace(table)
    }
    return picked
  }

  it('goes on in the cycle of a split that stayed the same, whatever else changed', () => {
    const others = route({ name: 'ml/other', hosts: ['other'] })
    const next = (table: RouteTable): RouteTable =>
      new RouteTable(
        [others, route({ split: split.map((target) => ({ ...target })), hosts: [HOST, 'new'] })],
        table,
      )
    expect(canaryPicks(next)).toBe(10)
  })

  it('would starve the canary if every table began its cycle again', () => {
    expect(canaryPicks(() => new RouteTable([route({ split })]))).toBe(0)
  })

  it('begins a new cycle when the split changed, and forgets routes that are gone', () => {
    const before = new RouteTable([route({ split }), route({ name: 'ml/gone', hosts: ['gone'] })])
    const after = new RouteTable([route({ split: halves })], before)
    expect(after.size).toBe(1)
    expect(ask(after, 'gone')).toBeUndefined()
    const picked = Array.from({ length: 100 }, () => ask(after, HOST)?.revision)
    expect(picked.filter((revision) => revision === 'ml/iris-predictor-00002')).toHaveLength(50)
  })

  it('asks for a cursor where a split is new, by route', () => {
    const asked: string[] = []
    let place = 0
    const cursorOf = ({ name }: Route): Cursor | undefined => {
      asked.push(name)
      return name === 'ml/shared' ? { next: () => place++ % 100 } : undefined
    }
    const routes = [route({ split: halves }), route({ name: 'ml/shared', hosts: ['shared'], split: halves })]
    const before = new RouteTable(routes, undefined, { cursorOf })
    const after = new RouteTable([...routes, route({ name: 'ml/new', hosts: ['new'] })], before, { cursorOf })
    expect(asked).toEqual(['ml/iris-predictor', 'ml/shared', 'ml/new'])
    ask(before, 'shared')
    ask(after, 'shared')
    ask(after, HOST)
    expect(place).toBe(2)
  })
})
