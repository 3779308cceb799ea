/** What the expressions of the policies are made of: CEL on objects whose fields may all be missing. */

export interface Validation {
  readonly expression: string
  readonly message?: string
  readonly messageExpression?: string
}

export interface Variable {
  readonly name: string
  readonly expression: string
}

/** `has` for a path from `object`, each step of it: `has(object.spec) && has(object.spec.predictor)`. */
export function hasPath(path: string): string {
  const parts = path.split('.')
  return parts
    .slice(1)
    .map((_, index) => `has(${parts.slice(0, index + 2).join('.')})`)
    .join(' && ')
}

/** The list at a path, or an empty one. */
export function listAt(path: string): string {
  return `(${hasPath(path)} ? ${path} : [])`
}

/** The one thing at a path as a list. */
export function oneAt(path: string): string {
  return `(${hasPath(path)} ? [${path}] : [])`
}

export const setsPythonPath = "has(c.env) && c.env.exists(e, e.name == 'PYTHONPATH')"
