import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** `{ name, description, reference, schema, cases[] }`, of which the name and the cases are used. */
const vectorFileSchema = z.object({
  name: z.string().default(''),
  cases: z.array(z.looseObject({ name: z.string().optional() })),
})

export type VectorFile = z.infer<typeof vectorFileSchema>
export type VectorCase = VectorFile['cases'][number]

export class NotAVectorFile extends Error {
  override readonly name = 'NotAVectorFile'
}

/** @throws NotAVectorFile naming the path and what is wrong with it. */
export function readVectorFile(path: string): VectorFile {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new NotAVectorFile(`${path}: cannot be read as JSON: ${String(error)}`, { cause: error })
  }
  const parsed = vectorFileSchema.safeParse(content)
  if (parsed.success) return parsed.data
  throw new NotAVectorFile(
    `${path}: is no vector file {name, schema, cases[]}: ${z.prettifyError(parsed.error)}`,
  )
}
