const COLOURS: Readonly<Record<string, string>> = { debug: '90', info: '36', warn: '33', error: '31' }

/** `{"level":"info","time":1760000000123,"revision":"a/b","msg":"scaled"}` as one readable line. */
export function prettyLine(json: string, colour: boolean): string {
  const parsed: Record<string, unknown> = JSON.parse(json)
  const { level, time, msg, ...fields } = parsed
  const paint = (code: string | undefined, text: string): string =>
    colour && code !== undefined ? `\u001B[${code}m${text}\u001B[0m` : text
  const name = String(level)
  const pairs = Object.entries(fields).map(([key, value]) => `${paint('90', `${key}=`)}${fieldText(value)}`)
  const head = `${paint('90', timeOfDay(Number(time)))} ${paint(COLOURS[name], name.padEnd(5))} ${String(msg)}`
  return `${[head, ...pairs].join(' ')}\n`
}

function fieldText(value: unknown): string {
  if (typeof value === 'string') return /[\s="]/.test(value) || value === '' ? JSON.stringify(value) : value
  if (isError(value)) return JSON.stringify(value.message)
  return JSON.stringify(value)
}

/** An error as pino's serializer writes it; its stack has no place on one line. */
function isError(value: unknown): value is { message: string } {
  return typeof value === 'object' && value !== null && 'message' in value && 'stack' in value
}

/** The time of day in UTC: 20:04:05.123. */
function timeOfDay(epochMs: number): string {
  const ms = epochMs % 86_400_000
  const two = (part: number): string => String(Math.floor(part)).padStart(2, '0')
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}.${String(ms % 1000).padStart(3, '0')}`
}
