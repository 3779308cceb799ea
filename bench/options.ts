/** Ends the benchmark with what is wrong about an option. */
function refuse(option: string, value: string, allowed: string): never {
  console.error(`${option}: got ${JSON.stringify(value)}; allowed: ${allowed}`)
  process.exit(2)
}

/** A whole number within bounds. */
export function wholeNumber(option: string, value: string, least: number, most: number): number {
  const number = Number(value)
  if (value === '' || !Number.isInteger(number) || number < least || number > most)
    refuse(option, value, `a whole number from ${least} to ${most}`)
  return number
}

/** Whole numbers, separated by commas. */
export function wholeNumbers(option: string, value: string, least: number, most: number): number[] {
  return value.split(',').map((part) => wholeNumber(option, part, least, most))
}

/** Some of the names, separated by commas, in the order in which they are allowed. */
export function choices<T extends string>(option: string, value: string, allowed: readonly T[]): T[] {
  const named = new Set(value.split(','))
  const known = new Set<string>(allowed)
  if (value === '' || [...named].some((name) => !known.has(name)))
    refuse(option, value, `one or more of ${allowed.join(', ')}`)
  return allowed.filter((name) => named.has(name))
}
