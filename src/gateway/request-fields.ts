import { split, type InferenceServiceName } from '../core/names.ts'
import type { Random } from '../core/random.ts'
import type { Peer, RequestHead } from './exchange.ts'
import { valueOf } from './fields.ts'
import { isTraceparent, newTraceparent } from './identity.ts'
import { FIELD } from './known-field.ts'
import { HOP_BY_HOP, maskOf } from './pass-on.ts'

/** What the gateway knows of a request when it tells the replica where it comes from. */
export interface Provenance {
  readonly service: InferenceServiceName
  readonly peer: Peer
  /** Whether the peer's own word on where the request comes from is believed. */
  readonly trusted: boolean
  readonly requestId: string
  /** For the traceparent of a client that sent no sound one. */
  readonly random: Random
}

/** What a replica hears besides the client's fields, and which of those it does not hear. */
export interface RequestFields {
  /** Names and values, lower-case names. */
  readonly added: readonly string[]
  /** Mask (pass-on.ts). */
  readonly dropped: number
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

/** Host goes on as sent, and is no part of this. */
export function requestFields(head: RequestHead, from: Provenance): RequestFields {
  const { fields, host } = head
  const { peer, trusted } = from
  let dropped = HOP_BY_HOP | SAID_ANEW
  const { namespace, name } = split(from.service)
  const added = ['x-request-id', from.requestId, 'kserve-isvc-name', name, 'kserve-isvc-namespace', namespace]
  // A name or address with a colon or a bracket is quoted (RFC 7239, 4 and 6).
  const node = peer.address.includes(':') ? `"[${peer.address}]"` : peer.address
  const element = `for=${node};host="${host.replaceAll('"', '')}";proto=${peer.scheme}`
  if (trusted) {
    added.push('x-forwarded-for', appended(allOf(head, FIELD.xForwardedFor), peer.address))
    added.push('forwarded', appended(allOf(head, FIELD.forwarded), element))
    if (valueOf(fields, FIELD.xForwardedHost) === undefined) added.push('x-forwarded-host', host)
    if (valueOf(fields, FIELD.xForwardedProto) === undefined) added.push('x-forwarded-proto', peer.scheme)
  } else {
    dropped |= CLAIMS
    added.push('x-forwarded-for', peer.address, 'x-forwarded-host', host, 'x-forwarded-proto', peer.scheme)
    added.push('forwarded', element)
  }
  added.push('via', appended(allOf(head, FIELD.via), `${head.version} pilotlight`))
  if (!isTraceparent(valueOf(fields, FIELD.traceparent))) {
    // A tracestate belongs to the traceparent that it came with.
    dropped |= TRACE
    added.push('traceparent', newTraceparent(from.random))
  }
  return { added, dropped }
}

function appended(before: string | undefined, element: string): string {
  return before === undefined ? element : `${before}, ${element}`
}

/** All values of a known field as one list. */
function allOf({ fields }: RequestHead, kind: number): string | undefined {
  let all: string | undefined
  for (let at = 0; at < fields.count; at++) {
    if (fields.kind(at) === kind) all = appended(all, fields.value(at))
  }
  return all
}
