import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const candidate =
  process.env['PILOTLIGHT_SHARED'] ?? fileURLToPath(new URL('../../../shared', import.meta.url))

/**
 * The folder with the acceptance cases that are not part of this repository (decision vectors of the reference
 * autoscalers, KServe's answers to manifests), or undefined where the project was cloned alone. In CI they
 * have to be there.
 */
export const sharedDir: string | undefined = existsSync(candidate) ? candidate : undefined

if (sharedDir === undefined && process.env['CI'] === 'true') {
  throw new Error(
    `acceptance cases are missing: ${candidate} does not exist; set PILOTLIGHT_SHARED to their folder`,
  )
}
