const MS_PER_DAY = 86_400_000
const DAYS_PER_ERA = 146_097

/**
 * Epoch ms as RFC 3339 in whole seconds, as Kubernetes writes times: 0 gives `1970-01-01T00:00:00Z`.
 * Arithmetic, because this folder has no clock and a status has to be the same wherever it is computed.
 */
export function rfc3339(epochMs: number): string {
  const days = Math.floor(epochMs / MS_PER_DAY)
  const seconds = Math.floor((epochMs - days * MS_PER_DAY) / 1000)
  const { year, month, day } = civil(days)
  const time = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T${time.map((part) => pad(part, 2)).join(':')}Z`
}

/**
 * The Gregorian date of a day counted from 1970-01-01. Years start in March here, so that the leap day is the
 * last of its year: day 0 is day 719,468 of an era count that starts on 0000-03-01.
 */
function civil(daysSinceEpoch: number): { year: number; month: number; day: number } {
  const shifted = daysSinceEpoch + 719_468
  const era = Math.floor(shifted / DAYS_PER_ERA)
  const dayOfEra = shifted - era * DAYS_PER_ERA
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  // Months from March have 153 days in each group of five: 31, 30, 31, 30, 31.
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  }
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0')
}
