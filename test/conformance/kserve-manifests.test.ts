import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { sharedDir } from '../support/shared.ts'
import type { CaseResult } from './case-result.ts'
import { runManifests } from './kserve-manifests.ts'

const LEFT_OUT = 'left out: the acceptance cases are not beside this repository (PILOTLIGHT_SHARED)'

const results: readonly CaseResult[] =
  sharedDir === undefined ? [{ name: LEFT_OUT }] : await runManifests(join(sharedDir, 'kserve'))

describe("KServe's answers to manifests, document by document", () => {
  it('has cases', () => expect(results.length).toBeGreaterThan(0))
  it.each(results)('$name', ({ failure }) => expect(failure).toBeUndefined())
})
