import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** PEM files: a certificate and its key. */
export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

export interface Certificates {
  readonly ca: CertificateFiles
  /** For localhost, 127.0.0.1 and ::1. */
  readonly server: CertificateFiles
  readonly client: CertificateFiles
  /** Another certificate of the same CA, as `<name>.crt` and `<name>.key`. */
  issue(name: string, options?: IssueOptions): CertificateFiles
}

export interface IssueOptions {
  /** Default: `name`. */
  readonly commonName?: string
  /** As OpenSSL writes them. Default: those of `server`. */
  readonly names?: string
}

/** Ours alone, so that the machine's openssl.cnf has no say. */
const OPENSSL_CONFIG = `[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[leaf]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = \${ENV::SUBJECT_ALT_NAME}
`

const LOCAL_NAMES = 'DNS:localhost, IP:127.0.0.1, IP:::1'

/**
 * Makes a CA of its own, a server's and a client's certificate in `dir` (made if it is missing), with EC keys: some
 * 10 ms each. Nothing of it is worth keeping secret.
 * @throws Error if `openssl` is not installed.
 */
export function makeCertificates(dir: string, caName = 'Pilotlight Test CA'): Certificates {
  mkdirSync(dir, { recursive: true })
  const config = join(dir, 'openssl.cnf')
  writeFileSync(config, OPENSSL_CONFIG)
  const make = (name: string, options: { commonName: string; names: string; signer: string[] }) => {
    const files = { certFile: join(dir, `${name}.crt`), keyFile: join(dir, `${name}.key`) }
    const certificate = ['-x509', '-config', config, '-days', '30', '-nodes', '-sha256', ...options.signer]
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
    const output = ['-subj', `/CN=${options.commonName}`, '-keyout', files.keyFile, '-out', files.certFile]
    const args = ['req', ...certificate, ...key, ...output]
    execFileSync('openssl', args, {
      env: { ...process.env, SUBJECT_ALT_NAME: options.names },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return files
  }
  const ca = make('ca', { commonName: caName, names: LOCAL_NAMES, signer: ['-extensions', 'ca'] })
  const issue = (name: string, options: IssueOptions = {}): CertificateFiles =>
    make(name, {
      commonName: options.commonName ?? name,
      names: options.names ?? LOCAL_NAMES,
      signer: ['-CA', ca.certFile, '-CAkey', ca.keyFile, '-extensions', 'leaf'],
    })
  return { ca, server: issue('server'), client: issue('client'), issue }
}
