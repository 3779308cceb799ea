import { problem, reconcile, revision, route, service, timeOfDay, total } from './view.js'

const byId = (id) => document.getElementById(id)
/** After an answer that is no event stream (a proxy's 502) a browser does not try again by itself. */
const RETRY_MS = 2000

function show(snapshot) {
  const { services, routes, revisions, replicas, problems } = snapshot
  const notes = new Map(revisions.map(({ name }) => [name, []]))
  for (const { name, revision: of, phase, reason } of replicas) {
    if (reason !== undefined) notes.get(of)?.push({ name, phase, reason })
  }
  const sum = (pick) => revisions.reduce((all, each) => all + pick(each), 0)
  byId('totals').replaceChildren(
    total('services', services.length),
    total(
      'replicas ready',
      sum((each) => each.replicas.ready),
    ),
    total(
      'queued',
      sum((each) => each.waiting),
    ),
    total(
      'in flight',
      sum((each) => each.inFlight),
    ),
  )
  byId('problems-section').hidden = problems.length === 0
  byId('services-empty').hidden = services.length > 0
  reconcile(byId('problems'), problems, (each) => `${each.source} ${each.message}`, problem)
  reconcile(byId('services'), services, ({ metadata }) => `${metadata.namespace}/${metadata.name}`, service)
  reconcile(byId('routes'), routes, (each) => `${each.name} ${each.match}`, route)
  reconcile(
    byId('revisions'),
    revisions.map((each) => ({ ...each, notes: notes.get(each.name) })),
    (each) => each.name,
    revision,
  )
  byId('seen').textContent = `as of ${timeOfDay(snapshot.atMs)}`
}

function say(state, words) {
  document.body.dataset.state = state
  const link = byId('connection')
  if (link.dataset.state === state) return
  link.dataset.state = state
  link.textContent = words
}

function connect() {
  const events = new EventSource('/api/v1/events')
  events.addEventListener('snapshot', (event) => {
    say('live', 'live')
    show(JSON.parse(event.data))
  })
  events.addEventListener('error', () => {
    say('lost', 'reconnecting…')
    // A browser's page has no clock to hand in.
    if (events.readyState === EventSource.CLOSED) window.setTimeout(connect, RETRY_MS)
  })
}

connect()
