/** One metric, as docs/metrics.md lists it and as it is registered. */
export interface MetricEntry {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
}

const entries = {
  requests: {
    name: 'pilotlight_requests_total',
    type: 'counter',
    labels: ['route', 'revision', 'code'],
    help: 'Requests that are over; code is the status that the client got, 0 when it was reset before any.',
  },
  requestDuration: {
    name: 'pilotlight_request_duration_seconds',
    type: 'histogram',
    labels: ['route', 'revision'],
    help: 'From the head of a request to the last byte of its answer, in seconds.',
  },
  queueWait: {
    name: 'pilotlight_queue_wait_seconds',
    type: 'histogram',
    labels: ['revision', 'outcome'],
    help: 'Time in the queue of a revision, in seconds; outcome is served, refused or gone.',
  },
  tokens: {
    name: 'pilotlight_tokens_total',
    type: 'counter',
    labels: ['revision', 'kind'],
    help: 'Tokens that answers named in their usage; kind is prompt or generated.',
  },
  coldStart: {
    name: 'pilotlight_cold_start_seconds',
    type: 'histogram',
    labels: ['revision'],
    help: 'From the first request for a sleeping revision to its permit, in seconds.',
  },
  refusals: {
    name: 'pilotlight_refusals_total',
    type: 'counter',
    labels: ['code'],
    help: 'Requests that the gateway answered itself, by the code of docs/errors.md.',
  },
  retries: {
    name: 'pilotlight_retries_total',
    type: 'counter',
    labels: ['revision'],
    help: 'Requests that were tried again on another replica before the first byte of an answer.',
  },
  ejections: {
    name: 'pilotlight_replica_ejections_total',
    type: 'counter',
    labels: ['revision'],
    help: 'Replicas that were taken out for a while because they refused or reset connections.',
  },
  decisions: {
    name: 'pilotlight_decisions_total',
    type: 'counter',
    labels: ['revision', 'mode'],
    help: 'Decisions of the autoscaler; mode is stable or panic.',
  },
  connectionsOpen: {
    name: 'pilotlight_connections_open',
    type: 'gauge',
    labels: ['protocol'],
    help: 'Connections of clients that are open now; protocol is http/1.1 or h2.',
  },
  connectionsAccepted: {
    name: 'pilotlight_connections_accepted_total',
    type: 'counter',
    labels: ['protocol'],
    help: 'Connections of clients that were taken.',
  },
  connectionsRefused: {
    name: 'pilotlight_connections_refused_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Connections of clients that were not taken; reason is limit, per-address or tls.',
  },
  upstreamConnections: {
    name: 'pilotlight_upstream_connections_total',
    type: 'counter',
    labels: ['use'],
    help: 'Attempts on replicas by the connection they got; use is opened (a new one) or reused (from the pool).',
  },
  queueDepth: {
    name: 'pilotlight_queue_depth',
    type: 'gauge',
    labels: ['revision'],
    help: 'Requests that wait for a replica now.',
  },
  inFlight: {
    name: 'pilotlight_requests_in_flight',
    type: 'gauge',
    labels: ['revision'],
    help: 'Requests on replicas now.',
  },
  replicas: {
    name: 'pilotlight_replicas',
    type: 'gauge',
    labels: ['revision', 'phase'],
    help: 'Replicas by phase: scheduling, pulling, loading, ready, draining, failed.',
  },
  replicasWanted: {
    name: 'pilotlight_replicas_wanted',
    type: 'gauge',
    labels: ['revision'],
    help: 'Replicas that the last decision asked for, within its bounds.',
  },
  busConnected: {
    name: 'pilotlight_bus_connected',
    type: 'gauge',
    labels: [],
    help: 'On Kubernetes: 1 while gateways and controllers hear each other through Redis, 0 while it is away.',
  },
  leading: {
    name: 'pilotlight_leading',
    type: 'gauge',
    labels: [],
    help: 'On Kubernetes: 1 in the controller that leads, 0 in those that wait for their turn.',
  },
} as const satisfies Record<string, MetricEntry>

export { entries as metricEntries }

/** Every metric of our own, in the order of docs/metrics.md; a test keeps the two in step. */
export const metricCatalogue: readonly MetricEntry[] = Object.values(entries)
