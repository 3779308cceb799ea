import { writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import type { Layout } from './state.ts'

/** Whose requests are worth a line: those of the service accounts of an installation of Pilotlight. */
const GROUPS = ['system:serviceaccounts:pilotlight']
/** Enough for hours of tests; then the older half goes. */
const MEGABYTES = 500

/** Writes what the API server is told to keep, and gives the options that tell it so. */
export function auditOptions(layout: Layout): string[] {
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    // Every request ends, and then it is known how.
    omitStages: ['RequestReceived'],
    rules: [{ level: 'Metadata', userGroups: GROUPS }, { level: 'None' }],
  }
  writeFileSync(layout.auditPolicy, stringify(policy))
  return [
    `--audit-policy-file=${layout.auditPolicy}`,
    `--audit-log-path=${layout.auditLog}`,
    `--audit-log-maxsize=${MEGABYTES}`,
  ]
}
