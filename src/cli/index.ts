/**
 * The command line: argv to what is to be done, and answers in the tables that people know from kubectl. Every command but
 * `up` and `explain` only talks to the admin API.
 */
export { exitCodes } from './errors.ts'
export { ADMIN_FILE, adminFileText } from './server-address.ts'
export type { UpOptions } from './up-options.ts'
