import { readFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { Agent, ProxyAgent, type Dispatcher } from 'undici'
import type { Clock } from '../../core/clock.ts'
import { ApiError } from './api-error.ts'

/** Files and plugins are asked again after this long: a rotated token is used well before the old one ends. */
const FRESH_MS = 10_000
/** Requests in flight at once; more wait here instead of each opening a connection. */
const REQUESTS_MAX = 16
/** Below the API server's own idle limit, so that it is we who close. */
const IDLE_MS = 30_000
/** A dead peer shows within about 20 s: the kernel asks after 10 s of silence, and then every second ten times. */
const PROBE_AFTER_MS = 10_000

/** What a request is sent with. */
export interface Access {
  readonly headers: Readonly<Record<string, string>>
  readonly requests: Dispatcher
  /** Each watch has a connection of its own, and none of them takes one from the requests. */
  readonly watches: Dispatcher
}

/**
 * The connections to one API server, and the credentials that a KubeConfig gives: certificates, tokens, files that
 * rotate, exec plugins. The library is asked for those and for nothing else. HTTP/1.1, because one connection of
 * HTTP/2 would make every request wait behind a list of 10,000 objects that loses a packet.
 */
export class Connection {
  /** `https://10.96.0.1:443` */
  readonly origin: string
  /** The path before every request's own; '' for most. */
  readonly prefix: string
  readonly #kubeConfig: KubeConfig
  readonly #clock: Clock
  #access: Access | undefined
  #material = ''
  #askedAtMs = 0
  #asking: Promise<Access> | undefined
  #isClosed = false

  /** @throws Error when the current context names no cluster, or one that cannot be spoken to. */
  constructor(kubeConfig: KubeConfig, clock: Clock) {
    const cluster = kubeConfig.getCurrentCluster()
    if (cluster === null) throw new Error('the kubeconfig has no current cluster')
    const server = new URL(cluster.server)
    if (server.protocol === 'http:' && !cluster.skipTLSVerify) {
      throw new Error(
        `clusters[${cluster.name}].server is ${cluster.server}, without TLS: whoever means it sets insecure-skip-tls-verify: true`,
      )
    }
    if (cluster.proxyUrl?.startsWith('socks') === true) {
      throw new Error(
        `clusters[${cluster.name}].proxy-url is ${cluster.proxyUrl}; expected an http or https proxy`,
      )
    }
    this.origin = server.origin
    this.prefix = server.pathname.replace(/\/$/, '')
    this.#kubeConfig = kubeConfig
    this.#clock = clock
  }

  /** @throws ApiError `Credentials` when a file cannot be read or an exec plugin fails. */
  access(): Promise<Access> {
    if (this.#access !== undefined && this.#clock.now() - this.#askedAtMs < FRESH_MS) {
      return Promise.resolve(this.#access)
    }
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  /** The API server refused who we say we are: the next request asks for the credentials again. */
  refused(): void {
    this.#askedAtMs = -Infinity
  }

  /** Ends every connection; what is under way fails. */
  async close(): Promise<void> {
    this.#isClosed = true
    const access = this.#access
    await Promise.all([access?.requests.destroy(), access?.watches.destroy()])
  }

  async #ask(): Promise<Access> {
    if (this.#isClosed) {
      throw new ApiError('the connection to the API server is closed', { status: 0, reason: 'Unreachable' })
    }
    const options: RequestOptions = {}
    let token: string | undefined
    try {
      await this.#kubeConfig.applyToHTTPSOptions(options)
      token = await this.#tokenOfFile()
    } catch (error) {
      const why = error instanceof Error ? error.message.trim() : String(error)
      throw new ApiError(`the credentials of the kubeconfig cannot be used: ${why}`, {
        status: 0,
        reason: 'Credentials',
        cause: error,
      })
    }
    const headers = headersOf(options)
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`
    const { ca, cert, key, servername, rejectUnauthorized } = options
    const material = JSON.stringify([ca, cert, key, servername, rejectUnauthorized].map(String))
    const before = this.#access
    const same = before !== undefined && material === this.#material
    const { requests, watches } = same ? before : this.#dispatchers(options)
    if (!same) {
      // What is under way on the old connections ends in peace; a watch is renewed within minutes anyway.
      void before?.requests.close()
      void before?.watches.close()
    }
    const access = { headers, requests, watches }
    this.#material = material
    this.#access = access
    this.#askedAtMs = this.#clock.now()
    if (this.#isClosed) await this.close()
    return access
  }

  /** The library remembers a token's file for a minute, which is too long for one that was just refused. */
  async #tokenOfFile(): Promise<string | undefined> {
    const provider: { readonly config?: { readonly tokenFile?: string } } | undefined =
      this.#kubeConfig.getCurrentUser()?.authProvider
    const file = provider?.config?.tokenFile
    return file === undefined ? undefined : (await readFile(file, 'utf8')).trim()
  }

  #dispatchers(options: RequestOptions): { readonly requests: Dispatcher; readonly watches: Dispatcher } {
    const { ca, cert, key, servername, rejectUnauthorized } = options
    const tls = {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    }
    const common = {
      allowH2: false,
      keepAliveTimeout: IDLE_MS,
      // Each request has its own bound, on our clock; a watch has none.
      headersTimeout: 0,
      bodyTimeout: 0,
    }
    const connect = { keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS }
    const proxy = this.#kubeConfig.getCurrentCluster()?.proxyUrl
    const open = (limits: { readonly connections?: number }): Dispatcher =>
      proxy === undefined
        ? new Agent({ ...common, ...limits, connect: { ...tls, ...connect } })
        : new ProxyAgent({ ...common, ...limits, uri: proxy, requestTls: tls, connect })
    return { requests: open({ connections: REQUESTS_MAX }), watches: open({}) }
  }
}

function headersOf(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {}
  if (typeof options.auth === 'string') {
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`
  }
  const given = options.headers
  if (given !== undefined && !Array.isArray(given)) {
    for (const [name, value] of Object.entries(given)) {
      if (value !== undefined) headers[name.toLowerCase()] = String(value).trim()
    }
  }
  return headers
}
