/** What `pilotlight up` was told; a value that is absent comes from the configuration. */
export interface UpOptions {
  /** Files and folders with manifests; empty = none, the state folder's applied objects only. */
  readonly paths: readonly string[]
  /** The configuration file. */
  readonly config?: string
  readonly port?: number
  readonly adminPort?: number
  readonly host?: string
  readonly workers?: number
  readonly stateDir?: string
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error'
}
