import { beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../core/manual-clock.ts'
import { AccessReview } from './access-review.ts'
import { ApiError } from './api/index.ts'

interface Asked {
  readonly path: string
  readonly spec: Readonly<Record<string, unknown>>
}

describe('AccessReview', () => {
  let clock: ManualClock
  let asked: Asked[]
  /** Whose a token is, and what namespaces they may list; '' is all. */
  let users: Map<string, readonly string[]>
  let failures: number
  let access: AccessReview

  beforeEach(() => {
    clock = new ManualClock()
    asked = []
    users = new Map([
      ['tim', ['team-a']],
      ['root', ['', 'team-a']],
    ])
    failures = 0
    access = new AccessReview({ raw: (_method, path, options) => answer(path, options?.body) }, clock)
  })

  async function answer<T>(path: string, body: unknown): Promise<T>
  async function answer(path: string, body: unknown): Promise<unknown> {
    if (failures > 0) {
      failures -= 1
      throw new ApiError('not now', { status: 503, reason: 'ServiceUnavailable' })
    }
    const { spec } = Object(body)
    asked.push({ path, spec })
    if (path.endsWith('/tokenreviews')) {
      const user = { username: spec.token, uid: '1', groups: ['g'], extra: { scope: ['x'] } }
      return { status: users.has(spec.token) ? { authenticated: true, user } : { authenticated: false } }
    }
    const { namespace = '' } = spec.resourceAttributes
    return { status: { allowed: users.get(spec.user)?.includes(namespace) ?? false } }
  }

  it.each([
    ['tim', 'team-a', 'allowed'],
    ['tim', 'team-b', 'forbidden'],
    ['tim', undefined, 'forbidden'],
    ['root', undefined, 'allowed'],
    ['nobody', 'team-a', 'unauthenticated'],
  ] as const)('%s in %s is %s', async (token, namespace, verdict) => {
    expect(await access.mayRead(token, namespace)).toBe(verdict)
  })

  it('asks for everything that the API server says of the user', async () => {
    await access.mayRead('tim', 'team-a')
    expect(asked).toEqual([
      { path: '/apis/authentication.k8s.io/v1/tokenreviews', spec: { token: 'tim' } },
      {
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        spec: {
          user: 'tim',
          uid: '1',
          groups: ['g'],
          extra: { scope: ['x'] },
          resourceAttributes: {
            group: 'serving.kserve.io',
            resource: 'inferenceservices',
            verb: 'list',
            namespace: 'team-a',
          },
        },
      },
    ])
  })

  it('does not ask again for 10 s, and then a token that was revoked is refused', async () => {
    await access.mayRead('tim', 'team-a')
    users.delete('tim')
    await clock.advance(9_999)
    expect(await access.mayRead('tim', 'team-a')).toBe('allowed')
    expect(asked).toHaveLength(2)
    await clock.advance(1)
    expect(await access.mayRead('tim', 'team-a')).toBe('unauthenticated')
  })

  it('asks once for those who come together, and keeps no failure', async () => {
    failures = 1
    const both = [access.mayRead('tim', 'team-a'), access.mayRead('tim', 'team-a')]
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await access.mayRead('tim', 'team-a')).toBe('allowed')
  })

  it('takes no answer for another namespace or token', async () => {
    await access.mayRead('tim', 'team-a')
    expect(await access.mayRead('tim', undefined)).toBe('forbidden')
    expect(await access.mayRead('nobody', 'team-a')).toBe('unauthenticated')
  })
})
