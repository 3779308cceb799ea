/** Messages that are malformed, ambiguous or only odd, each with what has to come of it and why. */
import { bounds } from './bounds.ts'
import type { RequestCase } from './case.ts'
import { chunkedBodies } from './chunked.ts'
import { headerFields } from './fields.ts'
import { hosts } from './host.ts'
import { lengths } from './lengths.ts'
import { lineEnds } from './line-ends.ts'
import { requestLines } from './request-line.ts'
import { smuggling } from './smuggling.ts'
import { targets } from './targets.ts'
import { transferEncodings } from './transfer-encodings.ts'

export type { Expected, Outcome, RequestCase } from './case.ts'

export const requestThemes: Readonly<Record<string, readonly RequestCase[]>> = {
  'the request line': requestLines,
  'the target': targets,
  'line ends': lineEnds,
  fields: headerFields,
  Host: hosts,
  'Content-Length': lengths,
  'Transfer-Encoding': transferEncodings,
  'chunked bodies': chunkedBodies,
  smuggling,
  bounds,
}

export const requestCases: readonly RequestCase[] = Object.values(requestThemes).flat()
