import { percentile, table } from '../figures.ts'
import { count, isLease, isWrite } from './audit.ts'
import type { Measured, Span, Usage } from './measure.ts'

const CONTROLLER = 'pilotlight-controller'
const GATEWAY = 'pilotlight-gateway'
const AIM_P99_MS = 1_000

/** Prints what was measured; 1 where something was written at rest. */
export function report({ options, machine, spans, applied }: Measured): number {
  const { services, ratePerSecond, output } = options
  console.log(`The controller on Kubernetes, ${services} services of 2 replicas. ${machine}.\n`)
  console.log(
    table(
      [
        '',
        'seconds',
        'load',
        'CPU s',
        'of a core',
        'resident MB',
        'heap MB',
        'gateway CPU s',
        'resident MB',
        'heap MB',
      ],
      spans.map((span) => [
        span.name,
        span.seconds.toFixed(1),
        span.load.toFixed(1),
        span.controller.cpuSeconds.toFixed(2),
        `${((100 * span.controller.cpuSeconds) / span.seconds).toFixed(1)} %`,
        ...memory(span.controller),
        span.gateway.cpuSeconds.toFixed(2),
        ...memory(span.gateway),
      ]),
    ),
  )
  console.log("\nRequests to the API server, by its audit log (load: the machine's, over a minute):\n")
  console.log(
    table(
      ['', 'writes', 'a minute', 'Lease renewals a minute', 'reads', "the gateway's writes"],
      spans.map((span) => callsRow(span)),
    ),
  )
  for (const { name, calls } of spans) {
    const all = [...(calls.get(CONTROLLER) ?? [])].toSorted(([, a], [, b]) => b - a)
    console.log(`\n${name}: ${all.map(([what, times]) => `${times} x ${what}`).join(', ') || 'nothing'}`)
  }
  const rows = [
    ['the gateway knows its host', applied.map(({ routableMs }) => routableMs), `${AIM_P99_MS}`],
    ['a pretended pod has answered', applied.map(({ answeredMs }) => answeredMs), ''],
  ] as const
  console.log(
    `\nFrom the moment that a service was accepted, ${applied.length} at ${ratePerSecond} a second:\n`,
  )
  console.log(
    table(
      ['until', 'p50 ms', 'p99 ms', 'longest ms', 'aim p99 ms'],
      rows.map(([what, values, aim]) => [
        what,
        ...[50, 99, 100].map((p) => percentile(values, p).toFixed(0)),
        aim,
      ]),
    ),
  )
  if (output === 'json') {
    const plain = spans.map(({ calls, ...span }) => ({
      ...span,
      calls: Object.fromEntries([...calls].map(([account, some]) => [account, Object.fromEntries(some)])),
    }))
    console.log(JSON.stringify({ options, spans: plain, applied }))
  }
  const isWritten = spans.some((span) => span.name.startsWith('at rest') && writesOf(span) > 0)
  return isWritten ? 1 : 0
}

function writesOf({ calls }: Span, account = CONTROLLER): number {
  return count(calls.get(account), (what) => isWrite(what) && !isLease(what))
}

function callsRow(span: Span): readonly string[] {
  const minutes = span.seconds / 60
  const own = span.calls.get(CONTROLLER)
  return [
    span.name,
    String(writesOf(span)),
    (writesOf(span) / minutes).toFixed(1),
    (count(own, (what) => isWrite(what) && isLease(what)) / minutes).toFixed(1),
    String(count(own, (what) => !isWrite(what))),
    String(writesOf(span, GATEWAY)),
  ]
}

function memory({ residentBytes, heapBytes }: Usage): readonly [string, string] {
  return [(residentBytes / 1e6).toFixed(0), (heapBytes / 1e6).toFixed(1)]
}
