/**
 * Which revision answers. An immutable table of routes, replaced whole when the configuration or what is
 * ready changes; the splits of routes that did not change keep their place in their cycle.
 */
export { RouteTable, routeKey, type Match, type RequestHead, type RouteTableOptions } from './route-table.ts'
export { SharedCursor } from './shared-cursor.ts'
export { Split, type Cursor } from './split.ts'
