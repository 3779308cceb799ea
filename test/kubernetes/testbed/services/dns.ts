/** As much of DNS (RFC 1035) as looking up an address takes. */
const TYPE_A = 1
const CLASS_IN = 1
const FLAG_RESPONSE = 0x80_00
const FLAG_AUTHORITATIVE = 0x04_00
const FLAG_RECURSION_DESIRED = 0x01_00
const NO_SUCH_NAME = 3
/** A pointer to the name in the question, which always begins after the header of 12 bytes. */
const POINTER_TO_QUESTION = 0xc0_0c
const TTL_SECONDS = 1

/** Gives the IPv4 addresses of a name without a dot at its end; undefined when there is no such name. */
export type Resolve = (name: string) => readonly string[] | undefined

/** The answer to one message, or undefined when it is not a question. */
export function answer(message: Buffer, resolve: Resolve): Buffer | undefined {
  if (message.length < 17 || message.readUInt16BE(4) !== 1) return undefined
  const labels: string[] = []
  let at = 12
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    if (length > 63 || at + 1 + length > message.length) return undefined
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  if (at + 5 > message.length) return undefined
  const type = message.readUInt16BE(at + 1)
  const question = message.subarray(12, at + 5)
  const addresses = resolve(labels.join('.').toLowerCase())
  const answers = type === TYPE_A ? (addresses ?? []) : []
  const header = Buffer.alloc(12)
  message.copy(header, 0, 0, 2)
  const asked = message.readUInt16BE(2) & FLAG_RECURSION_DESIRED
  header.writeUInt16BE(
    FLAG_RESPONSE | FLAG_AUTHORITATIVE | asked | (addresses === undefined ? NO_SUCH_NAME : 0),
    2,
  )
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(answers.length, 6)
  return Buffer.concat([header, question, ...answers.map(addressRecord)])
}

function addressRecord(address: string): Buffer {
  const record = Buffer.alloc(16)
  record.writeUInt16BE(POINTER_TO_QUESTION, 0)
  record.writeUInt16BE(TYPE_A, 2)
  record.writeUInt16BE(CLASS_IN, 4)
  record.writeUInt32BE(TTL_SECONDS, 6)
  record.writeUInt16BE(4, 10)
  Buffer.from(address.split('.').map(Number)).copy(record, 12)
  return record
}
