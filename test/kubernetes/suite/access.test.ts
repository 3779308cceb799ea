import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { TestNamespace } from './cluster.ts'
import { Installation } from './installation.ts'
import { irisService } from './services.ts'

let pilotlight: Installation
let teamA: TestNamespace
let teamB: TestNamespace
/** Of somebody who may list the InferenceServices of team A, and nothing else anywhere. */
let token: string

beforeAll(async () => {
  pilotlight = await Installation.open()
  teamA = await TestNamespace.make('team-a')
  teamB = await TestNamespace.make('team-b')
  await teamA.kubectl('create', 'serviceaccount', 'user')
  const what = ['--verb=list', '--resource=inferenceservices.serving.kserve.io']
  await teamA.kubectl('create', 'role', 'reader', ...what)
  await teamA.kubectl('create', 'rolebinding', 'user', '--role=reader', `--serviceaccount=${teamA.name}:user`)
  token = (await teamA.kubectl('create', 'token', 'user')).trim()
  await Promise.all(
    [teamA, teamB].map(async (team) => {
      await team.apply(irisService('iris', { predictor: { minReplicas: 0 } }))
      await team.waitFor('condition=Ready', 'inferenceservice iris', 120)
    }),
  )
})
afterAll(async () => {
  await teamA[Symbol.asyncDispose]()
  await teamB[Symbol.asyncDispose]()
  await pilotlight[Symbol.asyncDispose]()
})

const errorSchema = z.object({ code: z.string(), error: z.string() })

describe.each([
  ['that leads', 0],
  ['that waits, and forwards to the one that leads', 1],
])('the admin API of the controller %s', (_, nth) => {
  let controller: string
  beforeAll(async () => {
    controller = (await pilotlight.controllers())[nth]!.address
  })

  /** `200`, or `403 FORBIDDEN`. */
  async function answerTo(path: string, mine: string | undefined): Promise<string> {
    const { status, body } = await pilotlight.admin(path, mine, controller)
    return status === 200 ? '200' : `${status} ${errorSchema.parse(JSON.parse(body)).code}`
  }

  const lists = ['inferenceservices', 'routes', 'revisions', 'problems'] as const
  const decisionsOf = (team: TestNamespace): string =>
    `/api/v1/namespaces/${team.name}/revisions/iris-predictor-00001/decisions`

  it.each(lists)('shows a user the %s of a namespace that is theirs', async (list) => {
    const path = `/api/v1/${list}?namespace=${teamA.name}`
    const { status, body } = await pilotlight.admin(path, token, controller)
    const isListed = { ours: body.includes(teamA.name), theirs: body.includes(teamB.name) }
    expect([status, isListed]).toEqual([200, { ours: list !== 'problems', theirs: false }])
  })

  it('shows them why it scaled', async () => {
    const { status, body } = await pilotlight.admin(decisionsOf(teamA), token, controller)
    expect(status).toBe(200)
    expect(z.array(z.unknown()).parse(JSON.parse(body)).length).toBeGreaterThan(0)
  })

  it('streams to them what happens there, and nothing of others', async () => {
    const reading = new AbortController()
    const answer = await fetch(`http://${controller}:9090/api/v1/events?namespace=${teamA.name}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: reading.signal,
    })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ])
    let text = ''
    for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += piece
      if (/^event: snapshot\ndata: .*\n\n/m.test(text)) break
    }
    reading.abort()
    expect(text).toContain(`"namespace":"${teamA.name}"`)
    expect(text).not.toContain(teamB.name)
  })

  it('shows them nothing of other namespaces, nor of all', async () => {
    const paths = [
      ...lists.flatMap((list) => [`/api/v1/${list}?namespace=${teamB.name}`, `/api/v1/${list}`]),
      `/api/v1/events?namespace=${teamB.name}`,
      '/api/v1/events',
      decisionsOf(teamB),
      // However it is written.
      `${decisionsOf(teamB)}?namespace=${teamA.name}`,
      `${decisionsOf(teamB).replace('namespaces', '%6eamespaces')}?namespace=${teamA.name}`,
      `/%61pi/v1/revisions`,
      `/api/v1/revisions?namespace=${teamA.name}&namespace=${teamB.name}`,
      `/api/v1/namespaces/${teamB.name}/inferenceservices/iris`,
    ]
    for (const path of paths) {
      expect({ path, answer: await answerTo(path, token) }).toEqual({ path, answer: '403 FORBIDDEN' })
    }
  })

  it.each([
    ['without a token', undefined],
    ['with the token of nobody', 'eyJhbGciOiJSUzI1NiJ9.e30.bm9ib2R5'],
  ])('shows nothing %s', async (__, mine) => {
    const paths = [`/api/v1/revisions?namespace=${teamA.name}`, decisionsOf(teamA), '/%61pi/v1/events']
    for (const path of paths) {
      expect({ path, answer: await answerTo(path, mine) }).toEqual({ path, answer: '401 UNAUTHORIZED' })
    }
  })

  it('answers probes and Prometheus without a token', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect({ path, status: (await pilotlight.admin(path, undefined, controller)).status }).toEqual({
        path,
        status: 200,
      })
    }
  })
})
