/** Where two JSON values differ, one line a place: `status.url: expected "a", got "b"`. */
export function differencesOf(path: string, expected: unknown, got: unknown): string[] {
  if (isObject(expected) && isObject(got)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(got)])]
    return keys.flatMap((key) => differencesOf(`${path}.${key}`, expected[key], got[key]))
  }
  if (Array.isArray(expected) && Array.isArray(got) && expected.length === got.length) {
    return expected.flatMap((entry, i) => differencesOf(`${path}[${i}]`, entry, got[i]))
  }
  const [wanted, found] = [JSON.stringify(expected), JSON.stringify(got)]
  return wanted === found ? [] : [`${path}: expected ${wanted}, got ${found}`]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
