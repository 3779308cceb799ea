import { STATUS_CODES, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import type { Clock, Timer } from '../../src/core/clock.ts'
import { Refusal } from '../../src/core/refusals.ts'
import type { RequestLimits } from '../../src/core/revision.ts'
import type { Exchange, ForwardResult } from './forwarder.ts'
import { withoutHopByHop } from './hop-by-hop.ts'
import { isWebSocket } from './request-headers.ts'

/**
 * One attempt to get an answer from one replica:
 *
 *     connecting -> waiting (for the head) -> answering -> over
 */
export class ProxyAttempt {
  readonly exchange: Exchange
  readonly result: Promise<ForwardResult>
  readonly bodyStream: Readable
  readonly #begin: () => void
  readonly #clock: Clock
  readonly #limits: Pick<RequestLimits, 'responseStartTimeoutMs' | 'idleTimeoutMs'>
  readonly #signal: AbortSignal
  readonly #settle: PromiseWithResolvers<ForwardResult>
  readonly #onAbort = (): void => this.#refuse(this.#signal.reason)
  #state: 'connecting' | 'waiting' | 'answering' | 'over' = 'connecting'
  #upstream: ClientRequest | undefined
  #tunnel: Duplex | undefined
  #timer: Timer | undefined
  #lastByteMs = 0

  constructor(options: {
    readonly exchange: Exchange
    readonly limits: Pick<RequestLimits, 'responseStartTimeoutMs' | 'idleTimeoutMs'>
    readonly clock: Clock
    readonly signal: AbortSignal
  }) {
    this.exchange = options.exchange
    this.#clock = options.clock
    this.#limits = options.limits
    this.#signal = options.signal
    this.#settle = Promise.withResolvers()
    this.result = this.#settle.promise
    const { stream, begin } = this.exchange.body.attempt()
    this.bodyStream = stream
    this.#begin = begin
    if (this.#signal.aborted) {
      this.#onAbort()
      return
    }
    this.#signal.addEventListener('abort', this.#onAbort, { once: true })
    if (this.#limits.responseStartTimeoutMs > 0)
      this.#timer = this.#clock.after(this.#limits.responseStartTimeoutMs, () =>
        this.#refuse(new Refusal('RESPONSE_START_TIMEOUT')),
      )
  }

  /** The upstream request has a socket, connected or about to be. */
  start(upstream: ClientRequest, socket: Socket): void {
    this.#upstream = upstream
    if (this.#state === 'over') {
      upstream.destroy()
      return
    }
    const { request } = this.exchange
    upstream.on('information', (information) => {
      // 100 is the gateway's own to send, 101 comes as an upgrade.
      if (information.statusCode > 101 && !this.exchange.response.headersSent)
        this.exchange.response.writeInformation(
          information.statusCode,
          pairsToObject(withoutHopByHop(information.rawHeaders, information.headers.connection)),
        )
    })
    upstream.on('response', (answer) => this.#answer(answer))
    upstream.on('upgrade', (answer, upstreamSocket, head) => this.#switch(answer, upstreamSocket, head))
    // Before pipe ends the request, which is the last moment for trailers.
    this.bodyStream.prependListener('end', () => upstream.addTrailers(pairs(request.rawTrailers)))
    const connected = (): void => {
      if (this.#state !== 'connecting') return
      this.#state = 'waiting'
      this.#begin()
    }
    if (socket.connecting) socket.once('connect', connected)
    else connected()
  }

  /** The upstream connection could not be made or broke. */
  fail(error: Error): void {
    switch (this.#state) {
      case 'connecting':
        this.#end({ outcome: 'unreachable', cause: error })
        break
      case 'waiting':
        this.#end({ outcome: 'reset', cause: error, stale: this.#upstream?.reusedSocket === true })
        break
      case 'answering':
        this.#cut()
        break
      case 'over':
        break
    }
  }

  #answer(answer: IncomingMessage): void {
    if (this.#state === 'over') {
      answer.destroy()
      return
    }
    const { response } = this.exchange
    this.#state = 'answering'
    const { extraHeaders } = this.exchange
    const headers = withoutHopByHop(answer.rawHeaders, answer.headers.connection, extraHeaders)
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', headers)
    response.flushHeaders()
    this.#watchSilence(() => response.writableNeedDrain)
    answer.on('data', () => {
      this.#lastByteMs = this.#clock.now()
    })
    // Before pipe ends the response, which is the last moment for trailers.
    answer.on('end', () => response.addTrailers(pairs(answer.rawTrailers)))
    answer.on('error', () => this.#cut())
    answer.on('close', () => {
      if (!answer.complete) this.#cut()
    })
    // A finished response is answered; one that closed before has no client, which its signal says.
    response.on('finish', () => this.#end({ outcome: 'answered' }))
    answer.pipe(response)
  }

  /** The replica switched protocols: from here on bytes go both ways until either side ends. */
  #switch(answer: IncomingMessage, upstreamSocket: Duplex, head: Buffer): void {
    const { request, response } = this.exchange
    if (this.#state === 'over' || !isWebSocket(request)) {
      upstreamSocket.destroy()
      this.fail(new Error('the replica switched protocols without being asked to'))
      return
    }
    this.#state = 'answering'
    this.#tunnel = upstreamSocket
    const client = request.socket
    const extra = this.exchange.extraHeaders.filter((_, at, all) => all[at - (at % 2)] !== 'Connection')
    const headers = withoutHopByHop(answer.rawHeaders, answer.headers.connection, extra)
    headers.push('Connection', 'Upgrade', 'Upgrade', 'websocket')
    let text = `HTTP/1.1 101 ${STATUS_CODES[101]}\r\n`
    for (const [name, value] of pairs(headers)) text += `${name}: ${value}\r\n`
    response.detachSocket(client)
    client.write(`${text}\r\n`)
    if (head.length > 0) upstreamSocket.unshift(head)
    this.#watchSilence(() => client.writableNeedDrain)
    upstreamSocket.on('data', () => {
      this.#lastByteMs = this.#clock.now()
    })
    upstreamSocket.on('error', () => this.#cut())
    upstreamSocket.on('close', () => this.#end({ outcome: 'answered' }))
    client.on('error', () => upstreamSocket.destroy())
    client.on('close', () => upstreamSocket.destroy())
    upstreamSocket.pipe(client).pipe(upstreamSocket)
  }

  /** One timer looks at when the last byte came; a client that does not read is no silence of the replica. */
  #watchSilence(isClientSlow: () => boolean): void {
    this.#timer?.cancel()
    const { idleTimeoutMs } = this.#limits
    if (idleTimeoutMs === 0) return
    this.#lastByteMs = this.#clock.now()
    const look = (): void => {
      if (isClientSlow()) this.#lastByteMs = this.#clock.now()
      const silentMs = this.#clock.now() - this.#lastByteMs
      if (silentMs >= idleTimeoutMs) this.#cut()
      else this.#timer = this.#clock.after(idleTimeoutMs - silentMs, look)
    }
    this.#timer = this.#clock.after(idleTimeoutMs, look)
  }

  #cut(): void {
    if (this.#state === 'over') return
    // A reset, not an end: a body without length or chunks would seem whole.
    this.exchange.request.socket.resetAndDestroy()
    this.#end({ outcome: 'cut' })
  }

  #refuse(reason: unknown): void {
    if (this.#state === 'over') return
    if (this.#state === 'answering') {
      this.exchange.request.socket.resetAndDestroy()
    }
    this.#over()
    this.#settle.reject(reason)
  }

  #end(result: ForwardResult): void {
    if (this.#state === 'over') return
    this.#over()
    this.#settle.resolve(result)
  }

  #over(): void {
    const wasAnswered = this.exchange.response.writableFinished
    this.#state = 'over'
    this.#timer?.cancel()
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#tunnel?.destroy()
    // A request that is still being sent after its answer is whole has no taker.
    if (!wasAnswered || this.#upstream?.writableFinished === false) this.#upstream?.destroy()
    this.exchange.body.detach()
  }
}

function pairs(flat: readonly string[]): [string, string][] {
  const list: [string, string][] = []
  for (let at = 0; at + 1 < flat.length; at += 2) list.push([flat[at]!, flat[at + 1]!])
  return list
}

function pairsToObject(flat: readonly string[]): Record<string, string | string[]> {
  const object: Record<string, string | string[]> = {}
  for (const [name, value] of pairs(flat)) {
    const before = object[name]
    object[name] = before === undefined ? value : [before, value].flat()
  }
  return object
}
