import Fastify from 'fastify'
import { expect, it } from 'vitest'
import { AdminError } from '../../admin/index.ts'
import { authorize, isProtected } from './admin-access.ts'

/** Routes as the admin API has them, for somebody who may read team-a. */
function start() {
  const app = Fastify()
  app.addHook('onRequest', async (request) => {
    if (!isProtected(request)) return
    await authorize(
      {
        mayRead: async (token, namespace) => {
          if (token === 'unasked') throw new Error('503 not now')
          if (token !== 'mine') return 'unauthenticated'
          return namespace === 'team-a' ? 'allowed' : 'forbidden'
        },
      },
      request,
    )
  })
  app.setErrorHandler<Error>((error, _request, reply) =>
    reply.code(400).send(error instanceof AdminError ? error.code : error.message),
  )
  app.get('/healthz', async () => 'open')
  app.get('/api/v1/revisions', async ({ query }) => JSON.stringify(query))
  app.get('/api/v1/namespaces/:namespace/revisions/:name', async ({ params }) => JSON.stringify(params))
  return app
}

it.each([
  ['/healthz', 'open'],
  ['/api/v1/revisions', 'FORBIDDEN'],
  ['/api/v1/revisions?namespace=team-a', '{"namespace":"team-a"}'],
  ['/api/v1/revisions?namespace=team-b', 'FORBIDDEN'],
  ['/api/v1/revisions?namespace=', 'FORBIDDEN'],
  ['/api/v1/revisions?namespace=team-a&namespace=team-b', 'FORBIDDEN'],
  ['/api/v1/revisions?%6eamespace=team-b&x=team-a', 'FORBIDDEN'],
  ['/api/v1/namespaces/team-a/revisions/x', '{"namespace":"team-a","name":"x"}'],
  ['/api/v1/namespaces/team%2Da/revisions/x', '{"namespace":"team-a","name":"x"}'],
  ['/api/v1/namespaces/team-b/revisions/x', 'FORBIDDEN'],
  // Other ways to write the same.
  ['/%61pi/v1/revisions', 'FORBIDDEN'],
  ['/%61pi/v1/namespaces/team-b/revisions/x', 'FORBIDDEN'],
  ['/api/v1/%6eamespaces/team-b/revisions/x?namespace=team-a', 'FORBIDDEN'],
  ['/api/v1/namespaces/team-b/revisions/x?namespace=team-a', 'FORBIDDEN'],
])('%s for somebody of team-a: %s', async (url, answer) => {
  await using app = start()
  expect((await app.inject({ url, headers: { authorization: 'Bearer mine' } })).body).toBe(answer)
})

it.each([
  ['/api/v1/revisions?namespace=team-a', undefined],
  ['/%61pi/v1/revisions?namespace=team-a', undefined],
  ['/api/v1/revisions?namespace=team-a', 'Bearer of-nobody'],
  ['/api/v1/revisions?namespace=team-a', 'Basic bWluZQ=='],
])('%s with authorization %s is for nobody', async (url, authorization) => {
  await using app = start()
  const headers = authorization === undefined ? {} : { authorization }
  expect((await app.inject({ url, headers })).body).toBe('UNAUTHORIZED')
  expect((await app.inject({ url: '/healthz', headers })).body).toBe('open')
})

it('says so when the API server cannot be asked', async () => {
  await using app = start()
  const headers = { authorization: 'Bearer unasked' }
  expect((await app.inject({ url: '/api/v1/revisions', headers })).body).toBe('NOT_READY')
})
