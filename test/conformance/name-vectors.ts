import { z } from 'zod'
import { childName } from '../../src/core/names.ts'
import { difference } from './compare.ts'
import { vectorKind } from './vector-kind.ts'

export const childNames = vectorKind(
  'child_name',
  z.object({ parent: z.string(), suffix: z.string(), want: z.string() }),
  ({ parent, suffix, want }) => difference('child name', childName(parent, suffix), want),
)
