/**
 * Where the numbers come from that revisions scale on: the metrics endpoints of replicas, Prometheus servers, and what is
 * handed in for CPU, memory and GPUs. What they say is made sense of in src/signals; here are the sockets and the
 * schedule. Every number has its time, and where there is none there is a reason.
 */
export { Asker, SourceError, type Answer, type AskOptions } from './get.ts'
export { RevisionSources, type RevisionSourcesOptions } from './revision-sources.ts'
