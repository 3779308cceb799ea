/**
 * Which revision answers. An immutable table of routes, replaced whole when the configuration or what is
 * ready changes; the splits of routes that did not change keep their place in their cycle.
 */
export { RouteTable, type Match, type RequestHead } from './route-table.ts'
export { Split } from './split.ts'
