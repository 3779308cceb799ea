const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** The value of a Kubernetes quantity: `1Ki` is 1024, `500m` is 0.5; NaN if it is none. */
export function quantityOf(quantity: string): number {
  const parts = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]{0,2})$/.exec(quantity)
  const factor = suffixes[parts?.[2] ?? '']
  return parts === null || factor === undefined ? Number.NaN : Number(parts[1]) * factor
}
