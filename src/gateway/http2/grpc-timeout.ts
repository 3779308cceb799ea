/** Milliseconds of each unit. */
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
}

/** At most eight digits and a unit. Source: gRPC over HTTP/2, Timeout. */
const TIMEOUT = /^(\d{1,8})([HMSmun])$/

/**
 * How long a gRPC client waits for its answer, in ms (with a fraction: `250u` is 0.25); undefined where it says nothing.
 * The longest is 99999999H, 11,400 years: bound it before arming a timer.
 * @throws RangeError that names the value and what is allowed; the call is then refused with BAD_REQUEST.
 */
export function parseGrpcTimeout(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const [, digits, unit] = TIMEOUT.exec(value) ?? []
  const unitMs = unit === undefined ? undefined : UNIT_MS[unit]
  if (digits === undefined || unitMs === undefined) {
    const shown = JSON.stringify(value.slice(0, 40))
    throw new RangeError(
      `grpc-timeout ${shown}: one to eight digits and a unit of H, M, S, m, u, n are allowed`,
    )
  }
  return Number(digits) * unitMs
}
