/** What differs between a wanted and an actual value, in words; undefined when they agree. */
export function difference(
  label: string,
  actual: unknown,
  want: unknown,
  tolerance: { readonly relative?: number; readonly absolute?: number } = {},
): string | undefined {
  const text = `${label}: got ${JSON.stringify(actual)}, want ${JSON.stringify(want)}`
  if (typeof actual === 'number' && typeof want === 'number') {
    const allowed = Math.max(tolerance.absolute ?? 0, (tolerance.relative ?? 0) * Math.abs(want))
    return Math.abs(actual - want) <= allowed ? undefined : text
  }
  return JSON.stringify(actual) === JSON.stringify(want) ? undefined : text
}

/** The first difference of several. */
export function first(found: readonly (string | null | undefined)[]): string | undefined {
  return found.find((text) => typeof text === 'string') ?? undefined
}
