#!/usr/bin/env node
// `kubectl pilotlight ...`: the same command line, against the cluster of the kubeconfig instead of a local `up`.
process.env.PILOTLIGHT_CLUSTER ??= '1'
await import('./pilotlight.js')
