/**
 * The admin API and its web page, on a port of their own: what is configured, what runs, why it scaled, and the few
 * changes that people make by hand. It knows the control plane only through src/control/view.ts.
 */
export { buildAdmin, buildProbes, type AdminOptions } from './app.ts'
export { AdminError } from './errors.ts'
