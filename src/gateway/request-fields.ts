import { split, type InferenceServiceName } from '../core/names.ts'
import type { Random } from '../core/random.ts'
import type { Peer, RequestHead } from './exchange.ts'
import { listText, valueOf } from './fields.ts'
import { isTraceparent, newTraceparent } from './identity.ts'
import { FIELD } from './known-field.ts'
import { HOP_BY_HOP, maskOf } from './pass-on.ts'
import type { TrustedProxies } from './trusted-proxies.ts'
import type { Added } from './upstream.ts'

/** Fields that are said of many requests, in both spellings. */
interface Said {
  /** Names and values, lower-case names. */
  readonly list: readonly string[]
  /** `name: value\r\n` of each. */
  readonly text: string
}

/** What a replica hears besides the client's fields, and which of those it does not hear. */
export class RequestFields implements Added {
  /** Mask (pass-on.ts). */
  readonly dropped: number
  readonly #said: readonly Said[]
  readonly #own: readonly string[]

  /** @param own names and values that are said of this request only. */
  constructor(dropped: number, said: readonly Said[], own: readonly string[]) {
    this.dropped = dropped
    this.#said = said
    this.#own = own
  }

  /** Names and values, lower-case names. Host is not among them: it goes on as sent. */
  get list(): string[] {
    return [...this.#said.flatMap(({ list }) => list), ...this.#own]
  }

  /** The same as HTTP/1.1 writes it: `name: value\r\n` of each. */
  get text(): string {
    let text = listText(this.#own)
    for (const said of this.#said) text += said.text
    return text
  }
}

const SAID_ANEW = maskOf(
  FIELD.expect,
  FIELD.via,
  FIELD.xRequestId,
  FIELD.kserveName,
  FIELD.kserveNamespace,
  FIELD.forwarded,
  FIELD.xForwardedFor,
)
/** Where a request comes from, as others may claim. */
const CLAIMS = maskOf(FIELD.xForwarded, FIELD.xForwardedHost, FIELD.xForwardedProto, FIELD.xRealIp)
const TRACE = maskOf(FIELD.traceparent, FIELD.tracestate)

/** More services than a gateway is planned for: beyond, what was said of them is made again. */
const SERVICES_MAX = 20_000

/** What is said of all requests of one peer for one host. */
interface OfPeer {
  readonly isTrusted: boolean
  host: string
  said: Said
}

/** Tells replicas where requests come from. What is said again and again is made once. */
export class Provenance {
  readonly #trusted: TrustedProxies
  readonly #random: Random
  readonly #peers = new WeakMap<Peer, OfPeer>()
  readonly #services = new Map<InferenceServiceName, Said>()

  constructor(trusted: TrustedProxies, random: Random) {
    this.#trusted = trusted
    this.#random = random
  }

  /** For one request to a service. */
  of(head: RequestHead, peer: Peer, service: InferenceServiceName, requestId: string): RequestFields {
    const { fields } = head
    const ofPeer = this.#ofPeer(peer, head.host)
    let dropped = HOP_BY_HOP | SAID_ANEW
    if (!ofPeer.isTrusted) dropped |= CLAIMS
    const own = ['x-request-id', requestId, 'via', appended(allOf(head, FIELD.via), via(head.version))]
    if (!isTraceparent(valueOf(fields, FIELD.traceparent))) {
      // A tracestate belongs to the traceparent that it came with.
      dropped |= TRACE
      own.push('traceparent', newTraceparent(this.#random))
    }
    const from = ofPeer.isTrusted ? whatItSays(head, peer) : ofPeer.said
    return new RequestFields(dropped, [this.#ofService(service), from], own)
  }

  #ofPeer(peer: Peer, host: string): OfPeer {
    let known = this.#peers.get(peer)
    if (known === undefined) {
      known = { isTrusted: this.#trusted.includes(peer.address), host, said: whatWeSee(peer, host) }
      this.#peers.set(peer, known)
    } else if (known.host !== host) {
      known.host = host
      known.said = whatWeSee(peer, host)
    }
    return known
  }

  #ofService(service: InferenceServiceName): Said {
    let said = this.#services.get(service)
    if (said === undefined) {
      if (this.#services.size >= SERVICES_MAX) this.#services.clear()
      const { namespace, name } = split(service)
      said = saidOf(['kserve-isvc-name', name, 'kserve-isvc-namespace', namespace])
      this.#services.set(service, said)
    }
    return said
  }
}

/** Where a request comes from, as its connection shows. */
function whatWeSee(peer: Peer, host: string): Said {
  return saidOf([
    'x-forwarded-for',
    peer.address,
    'x-forwarded-host',
    host,
    'x-forwarded-proto',
    peer.scheme,
    'forwarded',
    element(peer, host),
  ])
}

/** The same of a peer whose word is believed: ours is added to its own. */
function whatItSays(head: RequestHead, peer: Peer): Said {
  const said = ['x-forwarded-for', appended(allOf(head, FIELD.xForwardedFor), peer.address)]
  said.push('forwarded', appended(allOf(head, FIELD.forwarded), element(peer, head.host)))
  if (valueOf(head.fields, FIELD.xForwardedHost) === undefined) said.push('x-forwarded-host', head.host)
  if (valueOf(head.fields, FIELD.xForwardedProto) === undefined) said.push('x-forwarded-proto', peer.scheme)
  return saidOf(said)
}

/** What has a colon or a bracket is quoted. Source: RFC 7239, 4 and 6. */
function element({ address, scheme }: Peer, host: string): string {
  const node = address.includes(':') ? `"[${address}]"` : address
  return `for=${node};host="${host.replaceAll('"', '')}";proto=${scheme}`
}

function saidOf(list: readonly string[]): Said {
  return { list, text: listText(list) }
}

function via(version: RequestHead['version']): string {
  return version === '1.1' ? '1.1 pilotlight' : `${version} pilotlight`
}

function appended(before: string | undefined, last: string): string {
  return before === undefined ? last : `${before}, ${last}`
}

/** All values of a known field as one list. */
function allOf({ fields }: RequestHead, kind: number): string | undefined {
  let all: string | undefined
  for (let at = 0; at < fields.count; at++) {
    if (fields.kind(at) === kind) all = appended(all, fields.value(at))
  }
  return all
}
