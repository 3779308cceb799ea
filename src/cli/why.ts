import type { Decision, Signal } from '../core/decision.ts'
import type { AdminClient } from './client.ts'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { withProgress } from './progress.ts'
import { formatRfc3339 } from '../core/rfc3339.ts'

/** `pilotlight why REVISION`: its last decisions, newest last. */
export async function why(
  io: Io,
  client: AdminClient,
  name: string,
  options: { readonly namespace: string; readonly limit: number; readonly output: string },
): Promise<void> {
  if (options.output !== 'text' && options.output !== 'json') {
    throw new CliError(
      'usage',
      `--output: ${JSON.stringify(options.output)} is not known; it is text or json`,
    )
  }
  const [ns, id] = [encodeURIComponent(options.namespace), encodeURIComponent(name)]
  const path = `/api/v1/namespaces/${ns}/revisions/${id}/decisions?limit=${options.limit}`
  const decisions = await withProgress(
    io,
    () => 'waiting for the admin API',
    client.get<readonly Decision[]>(path),
  )
  if (options.output === 'json') io.out(`${JSON.stringify(decisions, null, 2)}\n`)
  else if (decisions.length === 0) io.err(`No decision about ${name} yet.\n`)
  else io.out(decisions.map(decisionText).join(''))
}

/** A decision in some lines: what, on which inputs, what each signal asks for, moved by which limits. */
export function decisionText(decision: Decision): string {
  const { atMs, mode, replicas, inputs, limits, signals } = decision
  const outcome =
    replicas === undefined
      ? 'no data, nothing changed'
      : `${replicas} ${replicas === 1 ? 'replica' : 'replicas'}`
  const unit = inputs.metric === 'rps' ? 'requests per second' : 'requests at once'
  const isKpa = decision.class === 'kpa'
  const starting = inputs.starting === 0 ? '' : `, ${inputs.starting} starting`
  const aim = isKpa ? `aims at ${rounded(inputs.target)} per replica, ` : ''
  const lines = [
    `${formatRfc3339(atMs)}  ${isKpa ? mode : decision.class}: ${outcome}`,
    `    saw ${rounded(inputs.stable)} ${unit} in the stable window, ${rounded(inputs.panic)} in the panic window`,
    `    ${aim}${inputs.ready} ready${starting}`,
    ...signals.map((signal) => `    ${signal.binding ? '*' : '-'} ${signalText(signal)}`),
    ...(limits.length === 0 ? [] : [`    limits: ${limits.join(', ')}`]),
  ]
  return `${lines.join('\n')}\n`
}

/** `panic window: 41 requests at once, target 7: asks for 6, and that counts`. */
function signalText({ name, unit, value, target, proposal, binding, reason }: Signal): string {
  const measured = value === undefined ? 'no value' : `${rounded(value)} ${unit}`.trimEnd()
  const aim = target === undefined ? '' : `, target ${rounded(target)}`
  const asks = proposal === undefined ? 'asks for nothing' : `asks for ${proposal}`
  const gap = reason === undefined ? '' : ` (${reason})`
  return `${name}: ${measured}${aim}${gap}: ${asks}${binding ? ', and that counts' : ''}`
}

function rounded(value: number): string {
  return String(Math.round(value * 100) / 100)
}
