import { run } from './command.ts'
import type { Report } from './report.ts'

/**
 * Runs a script that writes a JSON line per check, `{"name": "chat"}` or `{"name": "chat", "failure": "..."}`, and
 * reports each. A script that ends badly, or without a single check, is a failure of its own.
 */
export async function reportChecks(
  python: string,
  args: readonly string[],
  { report, prefix = '' }: { report: Report; prefix?: string },
): Promise<void> {
  const { code, stdout, stderr } = await run(python, args, {
    timeoutMs: 120_000,
    env: { PYTHONDONTWRITEBYTECODE: '1', PYTHONWARNINGS: 'ignore' },
  })
  const outcomes = stdout.split('\n').flatMap((line) => outcomeOf(line) ?? [])
  for (const { name, failure } of outcomes) {
    if (failure === undefined) report.pass(prefix + name)
    else report.fail(prefix + name, failure)
  }
  if (code !== 0 || outcomes.length === 0) {
    report.fail(`${prefix}${args[0] ?? ''}`, `ended with ${code}\n${(stdout + stderr).trim().slice(-1_500)}`)
  }
}

function outcomeOf(line: string): { name: string; failure?: string } | undefined {
  if (!line.startsWith('{')) return undefined
  const outcome: unknown = JSON.parse(line)
  if (typeof outcome !== 'object' || outcome === null || !('name' in outcome)) return undefined
  return {
    name: String(outcome.name),
    ...('failure' in outcome ? { failure: String(outcome.failure) } : {}),
  }
}
