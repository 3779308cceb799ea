import type { Clock } from '../core/clock.ts'
import type { ApiClient } from './api/index.ts'

/** How long an answer of the API server holds: a token that is taken back is refused after that. */
const HOLDS_MS = 10_000
const ANSWERS_MAX = 1_000

/** `allowed`, or why not: the token is nobody's, or its owner may not. */
export type AccessVerdict = 'allowed' | 'unauthenticated' | 'forbidden'

/**
 * Asks the API server whose token it is, and whether they may read the InferenceServices of a namespace: the admin data
 * of a service is for those who may see the service.
 */
export class AccessReview {
  readonly #client: Pick<ApiClient, 'raw'>
  readonly #clock: Clock
  readonly #answers = new Map<string, { readonly verdict: Promise<AccessVerdict>; readonly atMs: number }>()

  constructor(client: Pick<ApiClient, 'raw'>, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /** @param namespace undefined: of all namespaces. @throws ApiError when the API server cannot be asked. */
  mayRead(token: string, namespace: string | undefined): Promise<AccessVerdict> {
    const key = `${namespace ?? ''} ${token}`
    const nowMs = this.#clock.now()
    const known = this.#answers.get(key)
    if (known !== undefined && nowMs - known.atMs < HOLDS_MS) return known.verdict
    if (this.#answers.size >= ANSWERS_MAX) this.#answers.clear()
    const verdict = this.#ask(token, namespace)
    this.#answers.set(key, { verdict, atMs: nowMs })
    verdict.catch(() => this.#answers.delete(key))
    return verdict
  }

  async #ask(token: string, namespace: string | undefined): Promise<AccessVerdict> {
    const review: { status?: { authenticated?: boolean; user?: User } } = await this.#client.raw(
      'POST',
      '/apis/authentication.k8s.io/v1/tokenreviews',
      { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } } },
    )
    const user = review.status?.user
    if (review.status?.authenticated !== true || user === undefined) return 'unauthenticated'
    const { username, uid, groups, extra } = user
    const resourceAttributes = {
      group: 'serving.kserve.io',
      resource: 'inferenceservices',
      verb: 'list',
      ...(namespace === undefined ? {} : { namespace }),
    }
    const access: { status?: { allowed?: boolean } } = await this.#client.raw(
      'POST',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      {
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: { user: username, uid, groups, extra, resourceAttributes },
        },
      },
    )
    return access.status?.allowed === true ? 'allowed' : 'forbidden'
  }
}

interface User {
  readonly username?: string
  readonly uid?: string
  readonly groups?: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}
