/** Of `pilotlight gateway`, `controller` and `single`. */
export interface RoleOptions {
  readonly config?: string
  readonly kubeconfig?: string
  readonly context?: string
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error'
}
