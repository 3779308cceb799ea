const DAY_MS = 86_400_000

/** `2023-11-14T22:13:20Z` from epoch milliseconds, without the fraction: Kubernetes' form. */
export function formatRfc3339(epochMs: number): string {
  const days = Math.floor(epochMs / DAY_MS)
  const ms = epochMs - days * DAY_MS
  const { year, month, day } = dateOf(days)
  const pad = (value: number, digits = 2): string => String(Math.floor(value)).padStart(digits, '0')
  const time = `${pad(ms / 3_600_000)}:${pad((ms / 60_000) % 60)}:${pad((ms / 1000) % 60)}`
  return `${pad(year, 4)}-${pad(month)}-${pad(day)}T${time}Z`
}

/** Epoch milliseconds of `2023-11-14T22:13:20Z`, also with a fraction or an offset; undefined if it is no such time. */
export function parseRfc3339(text: string): number | undefined {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.exec(text)
  if (parts === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number)
  const fractionMs = Number(`0${parts[7] ?? ''}`) * 1000
  const zone = parts[8]!
  const offset = /^z$/i.test(zone)
    ? 0
    : Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)))
  return (
    daysUntil(year, month, day) * DAY_MS + ((hour * 60 + minute - offset) * 60 + second) * 1000 + fractionMs
  )
}

/*
 * Days are counted in years that begin in March, so that the leap day is the last one of its year, and in eras of
 * 400 years = 146,097 days. Day 0 is 1970-01-01, 719,468 days after 0000-03-01. Source: Howard Hinnant,
 * "chrono-compatible low-level date algorithms".
 */
function daysUntil(year: number, month: number, day: number): number {
  const fromMarch = month > 2 ? year : year - 1
  const era = Math.floor(fromMarch / 400)
  const yearOfEra = fromMarch - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

function dateOf(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  }
}
