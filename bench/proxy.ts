/**
 * What a request costs in a proxy: `npm run bench:proxy [-- --quick] [--cases small,grpc] [--proxies nginx,pilotlight]
 * [--connections 64,1000] [--repeat 3] [--seconds 5] [-o json]`.
 *
 *     load generator ──▶ proxy ──▶ upstream        proxies in turn, each one process
 *        core B          core A     core B
 *
 * CPU is the proxy's own account (/proc/PID/stat, all threads) over the measured span, by the requests made in it.
 */
import { parseArgs } from 'node:util'
import { CASE_NAMES, cases, EVENTS_PER_SECOND, type CaseName, type Span } from './cases.ts'
import { cpuMicros, machine, moveTo, pickCores } from './cpu.ts'
import { LeftOut } from './expect.ts'
import { freePort } from './free-port.ts'
import { choices, wholeNumber, wholeNumbers } from './options.ts'
import { haproxy } from './peers/haproxy.ts'
import { nginx } from './peers/nginx.ts'
import { httpProxy, pilotlight, pipe } from './peers/node.ts'
import { PROXY_NAMES, type Proxy, type ProxyName } from './peers/proxy.ts'
import { Processes } from './processes.ts'
import { middleRun, tableOf, type ProxyRow } from './proxy-table.ts'
import { findTools } from './tools.ts'
import { startNginxUpstream } from './upstreams/nginx.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    cases: { type: 'string', default: CASE_NAMES.join(',') },
    proxies: { type: 'string' },
    connections: { type: 'string' },
    repeat: { type: 'string', default: '1' },
    seconds: { type: 'string' },
    output: { type: 'string', short: 'o', default: 'table' },
  },
})
const { quick } = values
const caseNames = choices('--cases', values.cases, CASE_NAMES)
const proxyNames = choices('--proxies', values.proxies ?? PROXY_NAMES.join(','), PROXY_NAMES)
const levels = wholeNumbers('--connections', values.connections ?? (quick ? '64' : '64,1000'), 1, 4_000)
const repeat = wholeNumber('--repeat', values.repeat, 1, 50)
const seconds = wholeNumber('--seconds', values.seconds ?? (quick ? '1' : '5'), 1, 600)
const [output] = choices('-o', values.output, ['table', 'json'])

const proxies: Readonly<Record<ProxyName, Proxy>> = {
  nginx,
  haproxy,
  pipe,
  'http-proxy': httpProxy,
  pilotlight,
}

const tools = findTools(['taskset', 'setpriv', 'wrk', 'h2load', 'nginx', 'haproxy'])
const cores = pickCores()
moveTo(cores.load, tools('taskset'))
await using processes = new Processes(tools)
const loader = { core: cores.load, processes, tools }

const http = await startNginxUpstream(processes, tools, cores.load)
const sink = await processes.startScript(cores.load, 'upstreams/upload-sink.ts', {})
const events = await processes.startScript(cores.load, 'upstreams/event-source.ts', {
  eventsPerSecond: EVENTS_PER_SECOND,
})
const upstreamPorts: Readonly<Record<CaseName, number>> = {
  small: http.port,
  'body-100k': http.port,
  'upload-10m': sink.ready['port'] ?? 0,
  sse: events.ready['port'] ?? 0,
  grpc: http.grpcPort,
}

/** A fresh process of the proxy, checked, warmed up, measured and ended. */
async function measure(proxy: Proxy, caseName: CaseName, span: Span): Promise<ProxyRow> {
  const port = await freePort()
  await using child = await proxy.start({
    caseName,
    port,
    upstreamPort: upstreamPorts[caseName],
    core: cores.measured,
    processes,
    tools,
  })
  await cases[caseName].check(port)
  const edges: number[] = []
  const load = await cases[caseName].measure(loader, port, span, () => edges.push(cpuMicros(child.pid)))
  const [before = 0, after = 0] = edges
  const requestsPerSecond = load.requests / load.seconds
  const cpuMicrosPerRequest = (after - before) / load.requests
  return {
    case: caseName,
    proxy: proxy.name,
    connections: span.connections,
    cpuMicrosPerRequest,
    requestsPerSecond,
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    busy: (cpuMicrosPerRequest * requestsPerSecond) / 1_000_000,
    requests: load.requests,
    errors: load.errors,
  }
}

/** In a quick run the floor is measured for the small answer only. */
function proxiesOf(caseName: CaseName): ProxyName[] {
  if (!quick || caseName === 'small' || values.proxies !== undefined) return proxyNames
  return proxyNames.filter((name) => name !== 'pipe')
}

function spanOf(caseName: CaseName, connections: number): Span {
  if (caseName === 'small' && quick) return { connections, warmUpSeconds: 1, seconds: 2 * seconds }
  if (quick) return { connections, warmUpSeconds: 0.3, seconds }
  return { connections, warmUpSeconds: 2, seconds }
}

/** A quick run ends in a minute on a busy machine too: what is left by then is left out, and said. */
const QUICK_MS = 50_000

const rows: ProxyRow[] = []
const skipped: { case: CaseName; proxy: ProxyName; why: string }[] = []

for (const caseName of caseNames) {
  for (const connections of levels) {
    const runs = new Map<ProxyName, ProxyRow[]>(proxiesOf(caseName).map((name) => [name, []]))
    // In turn, so that what else the machine does in the meantime meets all of them.
    for (let round = 0; round < repeat; round++) {
      for (const [name, done] of runs) {
        const lacks = proxies[name].lacks?.(caseName)
        try {
          if (lacks !== undefined) throw new LeftOut(lacks)
          if (quick && performance.now() > QUICK_MS) throw new LeftOut('no time was left in the quick run')
          process.stderr.write(`${caseName}, ${connections} connections: ${name}\n`)
          done.push(await measure(proxies[name], caseName, spanOf(caseName, connections)))
        } catch (error) {
          if (!(error instanceof LeftOut)) throw new Error(`${caseName} through ${name}`, { cause: error })
          runs.delete(name)
          if (skipped.some((one) => one.case === caseName && one.proxy === name)) continue
          skipped.push({ case: caseName, proxy: name, why: error.message })
        }
      }
    }
    for (const done of runs.values()) rows.push(middleRun(done))
  }
}

console.log(`CPU of one request in a proxy. ${machine()}.\n`)
console.log(tableOf(rows))
for (const { case: caseName, proxy, why } of skipped) console.log(`skipped: ${caseName}, ${proxy}: ${why}`)
console.log('')
for (const caseName of caseNames) console.log(`${caseName}: ${cases[caseName].title}`)
if (output === 'json') console.log(JSON.stringify({ results: rows, skipped }))
process.exitCode = rows.some(({ errors }) => errors > 0) ? 1 : 0
