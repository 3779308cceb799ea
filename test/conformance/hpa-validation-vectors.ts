import { z } from 'zod'
import { validateHpa } from '../../autoscaler/hpa/index.ts'
import { difference, first } from './compare.ts'
import { gates } from './hpa-shapes.ts'
import { vectorKind } from './vector-kind.ts'

const cause = z.object({ type: z.string(), field: z.string(), message: z.string() })

/** Which specs are refused, with every cause; of one that is not even an HPA only that it is refused. */
export const hpaValidation = vectorKind(
  'hpa_validation',
  z.object({
    op: z.literal('validate'),
    input: z.object({ manifest: z.unknown(), feature_gates: gates }),
    expected: z.object({
      accepted: z.boolean(),
      decode_error: z.string().optional(),
      errors: z.array(cause).nullish(),
    }),
  }),
  ({ input, expected }) => {
    const verdict = validateHpa(input.manifest, { scaleToZero: input.feature_gates?.HPAScaleToZero ?? true })
    const causes = 'causes' in verdict ? verdict.causes : []
    return first([
      difference('accepted', verdict.accepted, expected.accepted),
      difference('decode_error', 'decodeError' in verdict, expected.decode_error !== undefined),
      difference('errors', sorted(causes), sorted(expected.errors ?? [])),
    ])
  },
)

function sorted(causes: readonly z.infer<typeof cause>[]): string[] {
  return causes.map(({ type, field, message }) => `${field}: ${type}: ${message}`).toSorted()
}
