/** Bytes that are no header block: a COMPRESSION_ERROR of the connection, whose two ends are out of step from here on. */
export class HpackError extends Error {
  override readonly name = 'HpackError'
}
