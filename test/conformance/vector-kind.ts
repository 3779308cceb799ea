import { z } from 'zod'

/** One kind of vector file: how its cases look, and how one is run. */
export interface VectorKind {
  readonly name: string
  readonly looksLike: (vector: unknown) => boolean
  /** What differs, in words; undefined when the case passes. */
  readonly run: (vector: unknown) => string | undefined
}

/** A kind from the schema of its cases and what compares one. */
export function vectorKind<T>(
  name: string,
  schema: z.ZodType<T>,
  run: (vector: T) => string | undefined,
): VectorKind {
  return {
    name,
    looksLike: (vector) => schema.safeParse(vector).success,
    run: (vector) => {
      const parsed = schema.safeParse(vector)
      return parsed.success ? run(parsed.data) : `is no case of ${name}: ${z.prettifyError(parsed.error)}`
    },
  }
}
