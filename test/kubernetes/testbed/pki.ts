import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { must } from '../../interop/command.ts'
import { API_PORT, SERVICE_ADDRESS } from './network.ts'

/** Ours alone, so that the machine's openssl.cnf has no say. */
const OPENSSL_CONFIG = `[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[server]
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, DNS:kubernetes, DNS:kubernetes.default, DNS:kubernetes.default.svc, IP:127.0.0.1, IP:${SERVICE_ADDRESS}
[client]
extendedKeyUsage = clientAuth
`
const SERVER = `https://${SERVICE_ADDRESS}:${API_PORT}`

/** Where a client of the API server finds what it needs. */
export interface ClientFiles {
  readonly server: string
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** The certificates of one bed, all of one CA. Nothing of it is worth keeping secret. */
export class Pki {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  file(name: string): string {
    return join(this.#folder, name)
  }

  /** The CA, the API server's certificate, the key that signs tokens, and the clients that every bed has. */
  async make(): Promise<void> {
    if (existsSync(this.file('scheduler.kubeconfig'))) return
    mkdirSync(this.#folder, { recursive: true })
    writeFileSync(this.file('openssl.cnf'), OPENSSL_CONFIG)
    await this.#issue('ca', '/CN=pilotlight-testbed', 'ca')
    await Promise.all([
      this.#issue('apiserver', '/CN=kube-apiserver', 'server'),
      this.#makeTokenKey(),
      this.makeClient('admin', '/O=system:masters/CN=admin'),
      this.makeClient('scheduler', '/CN=system:kube-scheduler'),
      // What may read Services and their endpoints has this name.
      this.makeClient('services', '/CN=system:kube-proxy'),
    ])
  }

  /** A client's certificate, and a kubeconfig with everything in it, as NAME.kubeconfig. */
  async makeClient(name: string, subject: string): Promise<ClientFiles> {
    const files = this.client(name)
    if (!existsSync(this.file(`${name}.kubeconfig`))) {
      await this.#issue(name, subject, 'client')
      const base64 = (file: string): string => readFileSync(file).toString('base64')
      const kubeconfig = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [
          {
            name: 'testbed',
            cluster: { server: SERVER, 'certificate-authority-data': base64(files.ca) },
          },
        ],
        users: [
          {
            name,
            user: {
              'client-certificate-data': base64(files.cert),
              'client-key-data': base64(files.key),
            },
          },
        ],
        contexts: [{ name: 'testbed', context: { cluster: 'testbed', user: name } }],
        'current-context': 'testbed',
      }
      writeFileSync(this.file(`${name}.kubeconfig`), stringify(kubeconfig))
    }
    return files
  }

  client(name: string): ClientFiles {
    return {
      server: SERVER,
      ca: this.file('ca.crt'),
      cert: this.file(`${name}.crt`),
      key: this.file(`${name}.key`),
    }
  }

  async makeNode(name: string): Promise<ClientFiles> {
    return this.makeClient(`node-${name}`, `/O=system:nodes/CN=system:node:${name}`)
  }

  node(name: string): ClientFiles {
    return this.client(`node-${name}`)
  }

  async #issue(name: string, subject: string, extensions: 'ca' | 'server' | 'client'): Promise<void> {
    const signer = extensions === 'ca' ? [] : ['-CA', this.file('ca.crt'), '-CAkey', this.file('ca.key')]
    const certificate = ['-x509', '-sha256', '-days', '3650', '-subj', subject, ...signer]
    const config = ['-config', this.file('openssl.cnf'), '-extensions', extensions]
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const output = ['-keyout', this.file(`${name}.key`), '-out', this.file(`${name}.crt`)]
    await must('openssl', ['req', ...certificate, ...config, ...key, ...output])
  }

  async #makeTokenKey(): Promise<void> {
    await must('openssl', ['genrsa', '-out', this.file('service-accounts.key'), '2048'])
    const publicKey = this.file('service-accounts.pub')
    await must('openssl', ['rsa', '-in', this.file('service-accounts.key'), '-pubout', '-out', publicKey])
  }
}
