import { clusterContract } from './cluster.contract.ts'
import { localHarness } from './local-harness.ts'

clusterContract('LocalCluster', () => localHarness())
