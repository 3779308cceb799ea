import { contentLength, fieldProblem, isMethod, isVisible, quoted } from './field-rules.ts'

/** What the head of a message says about its body, or why the message is malformed (RFC 9113, 8.1.1). */
export interface HeadFacts {
  /** undefined if the head is well formed. */
  problem: string | undefined
  /** content-length; -1 where none is declared. */
  length: number
  /** Of a response. */
  status: number
}

const COLON = 0x3a

/** Looks at heads. One for all sessions would do: what it finds is good until the next call. */
export class MessageRules implements HeadFacts {
  problem: string | undefined = undefined
  length = -1
  status = 0

  /** @param fields names and values, pseudo fields first. */
  request(fields: readonly string[]): HeadFacts {
    this.#begin()
    let method: string | undefined
    let scheme: string | undefined
    let path: string | undefined
    let authority: string | undefined
    let at = 0
    for (; at < fields.length && fields[at]!.charCodeAt(0) === COLON; at += 2) {
      const name = fields[at]!
      const value = fields[at + 1]!
      let before: string | undefined
      switch (name) {
        case ':method':
          before = method
          method = value
          break
        case ':scheme':
          before = scheme
          scheme = value
          break
        case ':path':
          before = path
          path = value
          break
        case ':authority':
          before = authority
          authority = value
          break
        default:
          return this.#malformed(`the pseudo field ${quoted(name)}`)
      }
      if (before !== undefined) return this.#malformed(`two fields ${name}`)
      if (!isVisible(value)) return this.#malformed(`${name} ${quoted(value)}`)
    }
    if (method === undefined || !isMethod(method)) return this.#malformed(`:method ${quoted(method ?? '')}`)
    if (method === 'CONNECT') {
      if (scheme !== undefined || path !== undefined || authority === undefined)
        return this.#malformed('CONNECT has :authority, and no :scheme and no :path')
    } else {
      if (scheme === undefined || scheme === '') return this.#malformed('no :scheme')
      if (path === undefined || !isPath(path, method)) return this.#malformed(`:path ${quoted(path ?? '')}`)
    }
    return this.#rest(fields, at)
  }

  response(fields: readonly string[]): HeadFacts {
    this.#begin()
    const status = fields[1]
    if (fields[0] !== ':status' || status === undefined || !/^[1-9][0-9][0-9]$/.test(status))
      return this.#malformed(`a response without a valid :status`)
    this.status = Number(status)
    return this.#rest(fields, 2)
  }

  trailers(fields: readonly string[]): HeadFacts {
    this.#begin()
    return this.#rest(fields, 0)
  }

  #rest(fields: readonly string[], from: number): HeadFacts {
    for (let at = from; at < fields.length; at += 2) {
      const name = fields[at]!
      const value = fields[at + 1]!
      // A pseudo field after the others has a name that is no token.
      const problem = fieldProblem(name, value)
      if (problem !== undefined) return this.#malformed(problem)
      if (name === 'content-length') {
        const length = contentLength(value)
        // Twice the same is no better: who is next may see only one of them.
        if (length < 0 || this.length >= 0) return this.#malformed(`content-length ${quoted(value)}`)
        this.length = length
      }
    }
    return this
  }

  #begin(): void {
    this.problem = undefined
    this.length = -1
    this.status = 0
  }

  #malformed(problem: string): HeadFacts {
    this.problem = problem
    return this
  }
}

function isPath(path: string, method: string): boolean {
  return path.charCodeAt(0) === 0x2f || (path === '*' && method === 'OPTIONS')
}
