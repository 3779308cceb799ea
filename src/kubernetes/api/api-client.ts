import type { KubeConfig } from '@kubernetes/client-node'
import type { Clock } from '../../core/clock.ts'
import { silentLog, type Log } from '../../core/telemetry.ts'
import { ApiError, isApiError } from './api-error.ts'
import { Connection } from './connection.ts'
import { Deadline } from '../../core/deadline.ts'
import { apiVersionOf, kindOf, pathOf, type ResourceKind } from './kinds.ts'
import type { KubeList, KubeObject } from './kube-object.ts'
import { asApiError, refusalOf, Transport, type Method, type RawOptions } from './transport.ts'
import { eventsOf, type WatchEvent, type WatchOptions } from './watch-stream.ts'

/**
 * Requests to a Kubernetes API server as plain JSON. @kubernetes/client-node knows kubeconfigs and credentials, and
 * that is what it is used for; its typed clients build a class instance per object and a request context per call,
 * which for a list of 10,000 pods is seconds of CPU, and they drop fields that their models do not know.
 */

/** Kubernetes wants YAML there, of which JSON is a part. */
const APPLY_TYPE = 'application/apply-patch+yaml'
const MERGE_TYPE = 'application/merge-patch+json'
/** No longer than this: the server answers within 60 s or gives up itself. */
const LIST_TIMEOUT_MS = 30_000

export interface ApiClientOptions {
  readonly clock: Clock
  /** Who owns the fields that `apply` writes. Default `pilotlight`. */
  readonly fieldManager?: string
  readonly log?: Log
  /** The bound of a request from its first byte to its answer's last; watches have their own. Default 10 s. */
  readonly requestTimeoutMs?: number
}

export interface ListOptions {
  /** Default: all namespaces. */
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  /** Objects in one page; default all. */
  readonly limit?: number
  /** The token of the page before. */
  readonly continue?: string
}

/** One page of a kind's objects: what most that read need of a client. */
export interface ObjectLists {
  list(
    kind: ResourceKind,
    options?: ListOptions,
    signal?: AbortSignal,
  ): Promise<{ readonly items: readonly KubeObject[] }>
}

export interface PatchOptions {
  readonly subresource?: 'scale' | 'status'
  /** Refused with `Conflict` when the object of this name is another one by now. */
  readonly uid?: string | undefined
  /** Refused with `Conflict` when the object was changed since. */
  readonly resourceVersion?: string | undefined
}

export interface DeleteOptions {
  /** Refused with `Conflict` when the object of this name is another one by now. */
  readonly uid?: string | undefined
  readonly resourceVersion?: string | undefined
  /** What happens to the objects that it owns. Default: the kind's own, `Background` for nearly all. */
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan'
  /** 0 takes a pod away without asking its node. */
  readonly gracePeriodSeconds?: number
}

/**
 * Each method rejects with an `ApiError`, or with the signal's reason once that is aborted. What comes back has the type
 * that is asked for on the word of the API server, which checks every object against the schema of its kind.
 */
export class ApiClient implements AsyncDisposable {
  readonly #connection: Connection
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #log: Log
  readonly #fieldManager: string
  readonly #requestTimeoutMs: number

  private constructor(connection: Connection, options: ApiClientOptions) {
    this.#connection = connection
    this.#clock = options.clock
    this.#log = options.log ?? silentLog
    this.#fieldManager = options.fieldManager ?? 'pilotlight'
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 10_000
    this.#transport = new Transport(connection, {
      clock: options.clock,
      userAgent: this.#fieldManager,
      timeoutMs: this.#requestTimeoutMs,
    })
  }

  /** For the current context. Opens nothing yet. @throws Error when the context names no usable cluster. */
  static fromKubeConfig(kubeConfig: KubeConfig, options: ApiClientOptions): ApiClient {
    return new ApiClient(new Connection(kubeConfig, options.clock), options)
  }

  /** `https://10.96.0.1:443` */
  get server(): string {
    return `${this.#connection.origin}${this.#connection.prefix}`
  }

  get<T extends KubeObject = KubeObject>(
    kind: ResourceKind,
    namespace: string | undefined,
    name: string,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.raw('GET', pathOf(kind, { namespace, name }), { signal })
  }

  /** One page. Every item has its `apiVersion` and `kind`, which the API server leaves out in lists. */
  async list<T extends KubeObject = KubeObject>(
    kind: ResourceKind,
    options: ListOptions = {},
    signal?: AbortSignal,
  ): Promise<KubeList<T>> {
    const { namespace, ...query } = options
    const timeoutMs = Math.max(LIST_TIMEOUT_MS, this.#requestTimeoutMs)
    const list: KubeList<T> = await this.raw('GET', pathOf(kind, { namespace }), { query, signal, timeoutMs })
    const head = { apiVersion: apiVersionOf(kind), kind: kind.kind }
    return { metadata: list.metadata, items: (list.items ?? []).map((item) => ({ ...head, ...item })) }
  }

  /** @throws ApiError `AlreadyExists` when there is one of this name. */
  create<T extends KubeObject>(object: T, options: WriteOptions = {}, signal?: AbortSignal): Promise<T> {
    const kind = options.kind ?? kindOf(object)
    return this.raw('POST', pathOf(kind, { namespace: object.metadata.namespace }), {
      body: object,
      query: this.#writeQuery(options),
      signal,
    })
  }

  /** Writes the whole object with its resourceVersion. @throws ApiError `Conflict` when it was changed since. */
  replace<T extends KubeObject>(object: T, options: WriteOptions = {}, signal?: AbortSignal): Promise<T> {
    const path = pathOf(options.kind ?? kindOf(object), {
      ...at(object),
      subresource: options.subresource,
    })
    return this.raw('PUT', path, { body: object, query: this.#writeQuery(options), signal })
  }

  /**
   * Server-side apply: creates the object, or makes the fields given here what they say and removes those that this
   * field manager gave before and no longer gives. What others own is taken over. Without a change nothing is written,
   * and the resourceVersion stays.
   */
  apply<T extends KubeObject = KubeObject>(
    object: KubeObject,
    options: WriteOptions = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const path = pathOf(options.kind ?? kindOf(object), {
      ...at(object),
      subresource: options.subresource,
    })
    const query = { ...this.#writeQuery(options), force: true }
    const { onWarning } = options
    return this.raw('PATCH', path, { contentType: APPLY_TYPE, body: object, query, signal, onWarning })
  }

  /** JSON merge patch: null removes a field. Source: RFC 7386. */
  patch<T extends KubeObject = KubeObject>(
    kind: ResourceKind,
    namespace: string | undefined,
    name: string,
    patch: MergePatch,
    options: PatchOptions = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const { subresource, uid, resourceVersion } = options
    const metadata = {
      ...patch.metadata,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    }
    const body = Object.keys(metadata).length === 0 ? patch : { ...patch, metadata }
    const path = pathOf(kind, { namespace, name, subresource })
    const asked = this.raw<T>('PATCH', path, {
      contentType: MERGE_TYPE,
      body,
      query: this.#writeQuery({}),
      signal,
    })
    return uid === undefined ? asked : asked.catch(rethrowOtherObject)
  }

  /** The answer is the object on its way out (a pod in its grace period), or a Status. */
  delete(
    kind: ResourceKind,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
    signal?: AbortSignal,
  ): Promise<unknown> {
    const { uid, resourceVersion, propagation, gracePeriodSeconds } = options
    const preconditions =
      uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion }
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions, gracePeriodSeconds }
    return this.raw('DELETE', pathOf(kind, { namespace, name }), {
      body: { ...body, propagationPolicy: propagation },
      signal,
    })
  }

  /**
   * The bearer token that requests carry now; undefined for a user with a certificate or a password.
   * @throws ApiError `Credentials` when a file cannot be read or an exec plugin fails.
   */
  async token(): Promise<string | undefined> {
    const { headers } = await this.#connection.access()
    return /^Bearer (\S+)$/i.exec(headers['authorization'] ?? '')?.[1]
  }

  /** Resolves when the API server says that it is ready. @throws ApiError when it says no, or nothing. */
  async readyz(signal?: AbortSignal): Promise<void> {
    await this.#transport.text('GET', '/readyz', { signal })
  }

  /** Any request whose answer is JSON: `raw('GET', '/version')`. An empty answer is undefined. */
  async raw<T>(method: Method, path: string, options: RawOptions = {}): Promise<T> {
    const text = await this.#transport.text(method, path, options)
    try {
      return JSON.parse(text === '' ? 'null' : text)
    } catch (error) {
      const message = `${method} ${path}: the answer is no JSON: ${text.slice(0, 100)}`
      throw new ApiError(message, { status: 0, reason: 'Unreachable', cause: error })
    }
  }

  /** A text answer in pieces as they come, however long that takes: the log of a pod. */
  async *text(path: string, query: RawOptions['query'], signal: AbortSignal): AsyncGenerator<string> {
    using deadline = new Deadline(this.#clock, signal)
    try {
      deadline.within(this.#requestTimeoutMs)
      const answer = await this.#transport.open('watches', 'GET', path, { query, signal: deadline.signal })
      if (answer.statusCode === 401) this.#connection.refused()
      if (answer.statusCode !== 200) throw await refusalOf(`GET ${path}`, answer)
      deadline.lift()
      const decoder = new TextDecoder()
      for await (const piece of answer.body as AsyncIterable<Uint8Array>)
        yield decoder.decode(piece, { stream: true })
    } catch (error) {
      if (signal.aborted) return
      throw asApiError(`GET ${path}`, error)
    }
  }

  /**
   * What happens to the objects of a kind after a resourceVersion, until the server ends it, nothing comes for too long,
   * or the signal is aborted: each of them ends the iteration without an error, and the caller goes on from the last
   * resourceVersion. @throws ApiError: `status` 410 when that version is too old.
   */
  async *watch<T extends KubeObject = KubeObject>(
    kind: ResourceKind,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, void, void> {
    const what = `watch ${pathOf(kind, options)}`
    using deadline = new Deadline(this.#clock, signal)
    let isOpen = false
    try {
      deadline.within(this.#requestTimeoutMs)
      const answer = await this.#transport.open('watches', 'GET', pathOf(kind, options), {
        query: {
          watch: true,
          allowWatchBookmarks: true,
          resourceVersion: options.resourceVersion,
          labelSelector: options.labelSelector,
          fieldSelector: options.fieldSelector,
          timeoutSeconds: options.timeoutSeconds,
        },
        signal: deadline.signal,
      })
      if (answer.statusCode === 401) this.#connection.refused()
      if (answer.statusCode !== 200) throw await refusalOf(what, answer)
      isOpen = true
      options.onOpen?.()
      deadline.within(options.silenceMaxMs)
      const heard = (): void => deadline.within(options.silenceMaxMs)
      yield* eventsOf<T>(what, answer.body, heard)
    } catch (error) {
      if (signal.aborted) return
      if (!deadline.isOver) throw asApiError(what, error)
      if (!isOpen) {
        const message = `${what}: no answer within ${this.#requestTimeoutMs} ms`
        throw new ApiError(message, { status: 0, reason: 'Timeout' })
      }
      this.#log.debug({ kind: kind.kind }, 'a silent watch is renewed')
    }
  }

  /** Ends every connection. What is under way fails with `Unreachable`. */
  close(): Promise<void> {
    return this.#connection.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #writeQuery(options: WriteOptions): Readonly<Record<string, string | undefined>> {
    return { fieldManager: this.#fieldManager, dryRun: options.dryRun === true ? 'All' : undefined }
  }
}

export interface WriteOptions {
  readonly subresource?: 'status'
  /** For a kind that is not in `KINDS`. */
  readonly kind?: ResourceKind
  /** Everything is checked and nothing is written. */
  readonly dryRun?: boolean
  /** Told what the API server remarks about an object that it takes. Only by `apply`. */
  readonly onWarning?: (message: string) => void
}

/** Part of an object; null removes a field. */
export interface MergePatch {
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

/**
 * A patch for another object of the same name is refused as a change of `metadata.uid`, which cannot change; a delete or
 * a patch of the scale for one is a conflict. Both mean the same to a caller.
 */
function rethrowOtherObject(error: unknown): never {
  if (!isApiError(error, 'Invalid') || !error.causes.some(({ field }) => field === 'metadata.uid'))
    throw error
  const { message, causes } = error
  throw new ApiError(message, { status: 409, reason: 'Conflict', causes, cause: error })
}

function at(object: KubeObject): { readonly namespace: string | undefined; readonly name: string } {
  return { namespace: object.metadata.namespace, name: object.metadata.name }
}
