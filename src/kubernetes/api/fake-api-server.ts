import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { SystemClock, type Clock } from '../../core/clock.ts'
import { ApiClient, type ApiClientOptions } from './api-client.ts'
import { selects } from './fake-selectors.ts'
import { FakeStore, Refusal, scaleOf } from './fake-store.ts'
import { FakeWatches } from './fake-watches.ts'
import { apiVersionOf, KINDS, type ResourceKind } from './kinds.ts'
import { keyOf, type KubeObject, type ObjectMeta } from './kube-object.ts'

/** The verbs of RBAC. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete'

/** One request as RBAC and audit logs see it. */
export interface FakeRequest {
  readonly verb: Verb
  readonly kind: ResourceKind
  readonly namespace: string | undefined
  /** '' for collections. */
  readonly name: string
  readonly subresource: string | undefined
  readonly query: URLSearchParams
  readonly contentType: string
  readonly authorization: string | undefined
  readonly body: FakeBody | undefined
}

/** The body of a request: an object, part of one, or options of a delete. */
export interface FakeBody {
  readonly metadata?: ObjectMeta
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: string
  readonly [field: string]: unknown
}

/** Undefined lets the request through; a promise makes it wait. */
export type Interceptor = (request: FakeRequest) => Refusal | undefined | Promise<Refusal | undefined>

export interface FakeApiServerOptions {
  /** Times of objects, and the end of watches after their `timeoutSeconds`. Default: the real time. */
  readonly clock?: Clock
  /** Kinds beside those of `KINDS`. */
  readonly kinds?: readonly ResourceKind[]
}

/**
 * An API server for tests: real HTTP on 127.0.0.1, objects in memory. It keeps versions, watches with selectors, generations,
 * subresources `status` and `scale`, preconditions, finalizers, owners, server-side apply with removal of what is no
 * longer applied, and pages of lists as the real one does; it checks no schemas, has no controllers and no RBAC.
 * `store` is the back door of a test, `watches` and the methods here are what can go wrong.
 */
export class FakeApiServer implements AsyncDisposable {
  readonly store: FakeStore
  readonly watches: FakeWatches
  /** Every request so far, watches too. */
  readonly requests: FakeRequest[] = []
  /** Who may come: bearer tokens. Undefined: everybody. */
  tokens: ReadonlySet<string> | undefined
  /** What `/readyz` says. */
  isReady = true
  readonly #kinds: readonly ResourceKind[]
  readonly #server: Server
  readonly #interceptors = new Set<Interceptor>()
  readonly #waiting = new Set<() => void>()
  readonly #pages = new Map<string, readonly KubeObject[]>()
  #port = 0

  private constructor(options: FakeApiServerOptions) {
    const clock = options.clock ?? new SystemClock()
    this.#kinds = [...Object.values(KINDS), ...(options.kinds ?? [])]
    this.store = new FakeStore(clock)
    this.watches = new FakeWatches(this.store, clock, () => this.#changed())
    this.store.onEvent(() => queueMicrotask(() => this.#changed()))
    this.#server = createServer((request, response) => void this.#serve(request, response))
    this.#server.keepAliveTimeout = 0
  }

  static async start(options: FakeApiServerOptions = {}): Promise<FakeApiServer> {
    const fake = new FakeApiServer(options)
    await fake.back()
    return fake
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  kubeConfig(token?: string): KubeConfig {
    const config = new KubeConfig()
    config.loadFromClusterAndUser(
      { name: 'fake', server: this.url, skipTLSVerify: true },
      token === undefined ? { name: 'tester' } : { name: 'tester', token },
    )
    return config
  }

  client(options: ApiClientOptions): ApiClient {
    return ApiClient.fromKubeConfig(this.kubeConfig(), options)
  }

  /** The requests of these verbs that change something, for "nothing is written when nothing changed". */
  get writes(): readonly FakeRequest[] {
    return this.requests.filter(({ verb }) => !['get', 'list', 'watch'].includes(verb))
  }

  /** Resolves once the condition holds; it is looked at after each request, watch and event. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }

  /** Asked before each request is served; the first refusal is the answer. Ends when disposed. */
  intercept(interceptor: Interceptor): Disposable {
    this.#interceptors.add(interceptor)
    return { [Symbol.dispose]: () => void this.#interceptors.delete(interceptor) }
  }

  /** Answers the next requests that fit with this refusal; how many, default 1. */
  refuse(refusal: Refusal, fits: (request: FakeRequest) => boolean = () => true, times = 1): Disposable {
    let left = times
    return this.intercept((request) => (fits(request) && left-- > 0 ? refusal : undefined))
  }

  /** Every write fails once with `Conflict` before it goes through, and so does the next one to the same object. */
  conflictOnEveryWrite(): Disposable {
    const failed = new Set<string>()
    return this.intercept(({ verb, kind, namespace, name, subresource }) => {
      if (!['update', 'patch', 'delete'].includes(verb)) return undefined
      const what = `${verb} ${kind.plural} ${namespace ?? ''}/${name} ${subresource ?? ''}`
      if (failed.delete(what)) return undefined
      failed.add(what)
      return new Refusal(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${kind.plural} "${name}": modified`,
      )
    })
  }

  /** Old versions are forgotten: open watches get 410, and so do those that begin where they stood, and pages. */
  compact(): void {
    this.store.forget()
    this.#pages.clear()
    this.watches.gone()
  }

  /** Every connection breaks, and new ones are refused. */
  async away(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  /** On the port that it had before. */
  async back(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#port, '127.0.0.1', () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    const address: AddressInfo | string | null = this.#server.address()
    if (address !== null && typeof address === 'object') this.#port = address.port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.away()
  }

  #changed(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const text = await bodyOf(request)
      const url = new URL(request.url ?? '/', this.url)
      if (url.pathname === '/readyz') {
        response.writeHead(this.isReady ? 200 : 500).end(this.isReady ? 'ok' : 'not ready')
        return
      }
      const authorization = request.headers.authorization
      if (this.tokens !== undefined && !this.tokens.has(authorization?.replace(/^Bearer /, '') ?? '')) {
        throw new Refusal(401, 'Unauthorized', 'Unauthorized')
      }
      const asked = this.#asked(request, url, text, authorization)
      this.requests.push(asked)
      this.#changed()
      for (const interceptor of this.#interceptors) {
        const refusal = await interceptor(asked)
        if (refusal !== undefined) throw refusal
      }
      if (asked.verb === 'watch') this.#watch(asked, response)
      else answer(response, asked.verb === 'create' ? 201 : 200, this.#result(asked))
    } catch (error) {
      refuseWith(response, error)
    } finally {
      this.#changed()
    }
  }

  #asked(request: IncomingMessage, url: URL, text: string, authorization: string | undefined): FakeRequest {
    const parts = url.pathname.split('/').slice(1).map(decodeURIComponent)
    const [group, version] = parts[0] === 'api' ? ['', parts[1]] : [parts[1] ?? '', parts[2]]
    const rest = parts.slice(parts[0] === 'api' ? 2 : 3)
    const isInNamespace = rest[0] === 'namespaces' && rest.length > 2
    const namespace = isInNamespace ? rest[1] : undefined
    const [plural, name = '', subresource] = isInNamespace ? rest.slice(2) : rest
    const kind = this.#kinds.find(
      (one) => one.group === group && one.version === version && one.plural === plural,
    )
    if (kind === undefined) {
      throw new Refusal(404, 'NotFound', 'the server could not find the requested resource')
    }
    const method = request.method ?? 'GET'
    const isWatch = ['true', '1'].includes(url.searchParams.get('watch') ?? '')
    const reading = name !== '' ? 'get' : isWatch ? 'watch' : 'list'
    const verbs: Readonly<Record<string, Verb>> = {
      POST: 'create',
      PUT: 'update',
      PATCH: 'patch',
      DELETE: 'delete',
    }
    return {
      verb: verbs[method] ?? reading,
      kind,
      namespace,
      name,
      subresource,
      query: url.searchParams,
      contentType: request.headers['content-type'] ?? '',
      authorization,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }

  #watch({ kind, namespace, query }: FakeRequest, response: ServerResponse): void {
    const watch = { kind, namespace, ...selectorsOf(query), response, frozen: false }
    this.watches.begin(watch, query.get('resourceVersion') ?? '', Number(query.get('timeoutSeconds') ?? 0))
  }

  #result(asked: FakeRequest): unknown {
    const { verb, kind, namespace, name, subresource, query, body } = asked
    const key = keyOf({ metadata: namespace === undefined ? { name } : { name, namespace } })
    const dryRun = query.get('dryRun') === 'All'
    const write = { subresource, dryRun, fieldManager: query.get('fieldManager') ?? '' }
    const shown = (object: KubeObject): KubeObject =>
      subresource === 'scale' ? scaleOf(kind, object) : object
    switch (verb) {
      case 'get':
        return shown(this.store.need(kind, key))
      case 'list':
        return this.#list(asked)
      case 'create':
        return this.store.create(kind, objectIn(asked), write)
      case 'update':
        return shown(this.store.replace(kind, key, objectIn(asked), write))
      case 'patch':
        if (asked.contentType.startsWith('application/apply-patch+yaml')) {
          return shown(this.store.apply(kind, key, objectIn(asked), write))
        }
        if (asked.contentType.startsWith('application/merge-patch+json')) {
          return shown(this.store.mergePatch(kind, key, body, write))
        }
        throw new Refusal(
          415,
          'UnsupportedMediaType',
          `the patch type ${asked.contentType} is not known here`,
        )
      case 'delete':
        return this.store.delete(kind, key, {
          ...body?.preconditions,
          gracePeriodSeconds: body?.gracePeriodSeconds,
          propagation: body?.propagationPolicy,
        })
      default:
        throw new Refusal(405, 'MethodNotAllowed', 'a watch is no single answer')
    }
  }

  #list({ kind, namespace, query }: FakeRequest): unknown {
    const token = query.get('continue') ?? ''
    const left =
      token === ''
        ? this.store
            .all(kind)
            .filter(
              (object) =>
                (namespace === undefined || object.metadata.namespace === namespace) &&
                selects(object, selectorsOf(query)),
            )
        : this.#pages.get(token)
    if (left === undefined) {
      throw new Refusal(410, 'Expired', 'The provided continue parameter is too old')
    }
    this.#pages.delete(token)
    const version = token === '' ? String(this.store.version) : (token.split('.')[0] ?? '')
    const limit = Number(query.get('limit') ?? 0) || left.length
    const rest = left.slice(limit)
    const next = rest.length === 0 ? undefined : `${version}.${this.requests.length}`
    if (next !== undefined) this.#pages.set(next, rest)
    return {
      kind: `${kind.kind}List`,
      apiVersion: apiVersionOf(kind),
      metadata: {
        resourceVersion: version,
        ...(next === undefined ? {} : { continue: next, remainingItemCount: rest.length }),
      },
      // Without the kind of each, as the real one leaves it out for its own kinds.
      items: left.slice(0, limit).map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item),
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function selectorsOf(query: URLSearchParams): { labelSelector?: string; fieldSelector?: string } {
  const [labelSelector, fieldSelector] = [query.get('labelSelector'), query.get('fieldSelector')]
  return {
    ...(labelSelector === null ? {} : { labelSelector }),
    ...(fieldSelector === null ? {} : { fieldSelector }),
  }
}

/** The object in a body, in the namespace of its path. */
function objectIn({ body, namespace, name, kind }: FakeRequest): KubeObject {
  const metadata = body?.metadata
  if (metadata === undefined) throw new Refusal(400, 'BadRequest', 'the body is no object')
  if (name !== '' && metadata.name !== name) {
    throw new Refusal(400, 'BadRequest', `the name of the object (${metadata.name}) is not that of the path`)
  }
  if (namespace !== undefined && metadata.namespace !== undefined && metadata.namespace !== namespace) {
    const message = 'the namespace of the provided object does not match the namespace sent on the request'
    throw new Refusal(400, 'BadRequest', message)
  }
  return {
    ...body,
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: namespace === undefined ? metadata : { ...metadata, namespace },
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text)
}

function refuseWith(response: ServerResponse, error: unknown): void {
  const refusal =
    error instanceof Refusal
      ? error
      : new Refusal(500, 'InternalError', error instanceof Error ? error.message : String(error))
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const { status, reason, message, details } = refusal
  if (details?.retryAfterSeconds !== undefined) response.setHeader('retry-after', details.retryAfterSeconds)
  answer(response, status, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    details,
    code: status,
  })
}
