/** What one check says. */
export interface Finding {
  readonly verdict: 'ok' | 'warn' | 'fail'
  readonly what: string
  readonly why: string
  /** What to do about it; absent where there is nothing to do. */
  readonly fix?: string
}

/** Something that was read from the cluster, or why it could not be. */
export type Read<T> = { readonly value: T } | { readonly refused: string }

export function ok(what: string, why: string): Finding {
  return { verdict: 'ok', what, why }
}

export function warn(what: string, why: string, fix: string): Finding {
  return { verdict: 'warn', what, why, fix }
}

export function fail(what: string, why: string, fix: string): Finding {
  return { verdict: 'fail', what, why, fix }
}

/** The finding about what was read. What could not be read is a warning: it may be right or wrong. */
export function about<T>(what: string, read: Read<T>, judge: (value: T) => Finding): Finding {
  return 'value' in read
    ? judge(read.value)
    : warn(what, `cannot be read: ${read.refused}`, 'run this as somebody who may read it')
}
