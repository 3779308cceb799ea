import { X509Certificate } from 'node:crypto'
import { ConfigError } from '../../core/config.ts'
import type { NamedFile } from './watched-files.ts'

/**
 * All certificates of a PEM file, in its order; at least one.
 * @throws ConfigError naming the field, the file and the reason: also for a file that was cut off in the writing.
 */
export function certificatesIn(
  text: string,
  { field, path }: NamedFile,
): [X509Certificate, ...X509Certificate[]] {
  const begun = text.split('-----BEGIN CERTIFICATE-----').length - 1
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const [first, ...rest] = blocks.map((block, at) => {
    try {
      return new X509Certificate(block)
    } catch (cause) {
      throw new ConfigError(`${field}: certificate ${at + 1} in ${path} cannot be read: ${reason(cause)}`, {
        cause,
      })
    }
  })
  if (begun > blocks.length) throw new ConfigError(`${field}: ${path} ends in the middle of a certificate`)
  if (first === undefined)
    throw new ConfigError(
      `${field}: ${path} holds no certificate: it has to be PEM (-----BEGIN CERTIFICATE-----)`,
    )
  return [first, ...rest]
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
