/**
 * How Pilotlight is seen from outside: counts in the text format of Prometheus, and log lines. Both stand behind
 * interfaces of src/core, so nothing on the request path knows them.
 */
export { metricCatalogue, type MetricEntry } from './catalogue.ts'
export { PromMetrics, type MetricsSource, type PromMetricsOptions } from './prom-metrics.ts'
export { ThreadMetrics } from './thread-metrics.ts'
export type { Dump } from './tally.ts'
export { logLevels, pinoLog, type LogLevel, type PinoLogOptions } from './pino-log.ts'
