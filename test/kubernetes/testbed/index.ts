/**
 * A real Kubernetes on this machine, without Docker and without a registry: etcd, API server, controllers and scheduler
 * in a network namespace that has no way out. Its nodes are played by a program of ours, where a pod is a network
 * namespace and a container a process, or by the real kubelet with containerd.
 *
 * Tests run inside that namespace (`npm run test:kubernetes` sees to it), so they reach pods by their addresses.
 */
export { attachTestbed, openTestbed, type Component, type Testbed, type TestbedOptions } from './bed.ts'
export type { Image, Images } from './images.ts'
export type { NodeOptions } from './nodes.ts'
export { MissingPrerequisites } from './prerequisites.ts'
