import { readFileSync } from 'node:fs'

/** The version in package.json, which stands two folders up from src/cli and three from dist/src/cli. */
export function readVersion(): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version }: { name?: string; version?: string } = JSON.parse(
        readFileSync(new URL(up, import.meta.url), 'utf8'),
      )
      if (name === 'pilotlight' && version !== undefined) return version
    } catch {
      // Not there: the other one is.
    }
  }
  return 'unknown'
}
