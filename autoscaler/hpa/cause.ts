/** One thing that is wrong with a manifest, in the words that Kubernetes' API server has for it. */
export interface Cause {
  /** The reason of the cause, as in Status.details.causes[].reason. */
  readonly type: 'FieldValueRequired' | 'FieldValueInvalid' | 'FieldValueNotSupported' | 'FieldValueForbidden'
  /** `spec.metrics[0].resource.name` */
  readonly field: string
  readonly message: string
}

export function required(field: string, detail?: string): Cause {
  const message = detail === undefined ? 'Required value' : `Required value: ${detail}`
  return { type: 'FieldValueRequired', field, message }
}

export function invalid(field: string, value: string | number, detail: string): Cause {
  const message = `Invalid value: ${JSON.stringify(value)}: ${detail}`
  return { type: 'FieldValueInvalid', field, message }
}

export function notSupported(field: string, value: string, supported: readonly string[]): Cause {
  const list = supported.map((word) => JSON.stringify(word)).join(', ')
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`
  return { type: 'FieldValueNotSupported', field, message }
}

export function forbidden(field: string, detail: string): Cause {
  return { type: 'FieldValueForbidden', field, message: `Forbidden: ${detail}` }
}
