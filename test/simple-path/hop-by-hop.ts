/** Headers that speak of one connection only and are not passed on. Source: RFC 9110, 7.6.1. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** The lower-case names that are not passed on: the fixed ones and those that `Connection` lists. */
export function droppedNames(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined) return HOP_BY_HOP
  const dropped = new Set(HOP_BY_HOP)
  for (const name of connection.split(',')) dropped.add(name.trim().toLowerCase())
  return dropped
}

/**
 * A flat list of names and values less what is not passed on and what `instead` says anew, followed by `instead`;
 * order, case and duplicates of the rest stay.
 */
export function withoutHopByHop(
  rawHeaders: readonly string[],
  connection: string | undefined,
  instead: readonly string[] = [],
): string[] {
  const dropped = new Set(droppedNames(connection))
  for (let at = 0; at < instead.length; at += 2) dropped.add(instead[at]!.toLowerCase())
  const kept: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (!dropped.has(name.toLowerCase())) kept.push(name, rawHeaders[at + 1]!)
  }
  return [...kept, ...instead]
}
