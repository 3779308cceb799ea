const MINUTE_S = 60
const HOUR_S = 3600
const DAY_H = 24
const YEAR_D = 365

/**
 * How long something is there, in the two largest units that matter: 119s, 2m, 9m59s, 3h5m, 47h, 2d1h, 3y.
 * Source: k8s.io/apimachinery duration.HumanDuration, as kubectl's AGE.
 */
export function age(elapsedMs: number): string {
  const seconds = Math.trunc(elapsedMs / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 2 * MINUTE_S) return `${seconds}s`
  const minutes = Math.trunc(seconds / MINUTE_S)
  if (minutes < 10) return two(minutes, 'm', seconds % MINUTE_S, 's')
  if (minutes < 3 * 60) return `${minutes}m`
  const hours = Math.trunc(seconds / HOUR_S)
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.trunc(hours / DAY_H)
  if (hours < 8 * DAY_H) return two(days, 'd', hours % DAY_H, 'h')
  if (days < 2 * YEAR_D) return `${days}d`
  const years = Math.trunc(days / YEAR_D)
  return days < 8 * YEAR_D ? two(years, 'y', days % YEAR_D, 'd') : `${years}y`
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`
}
