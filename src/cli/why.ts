import type { Decision } from '../core/decision.ts'
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

/** A decision in two or three lines: what, on which inputs, moved by which limits. */
export function decisionText({ atMs, mode, replicas, inputs, limits }: Decision): string {
  const outcome =
    replicas === undefined
      ? 'no data, nothing changed'
      : `${replicas} ${replicas === 1 ? 'replica' : 'replicas'}`
  const unit = inputs.metric === 'rps' ? 'requests per second' : 'requests at once'
  const lines = [
    `${formatRfc3339(atMs)}  ${mode}: ${outcome}`,
    `    saw ${rounded(inputs.stable)} ${unit} in the stable window, ${rounded(inputs.panic)} in the panic window`,
    `    aims at ${rounded(inputs.target)} per replica, ${inputs.ready} ready`,
    ...(limits.length === 0 ? [] : [`    limits: ${limits.join(', ')}`]),
  ]
  return `${lines.join('\n')}\n`
}

function rounded(value: number): string {
  return String(Math.round(value * 100) / 100)
}
