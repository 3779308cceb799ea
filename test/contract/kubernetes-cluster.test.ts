import { KubernetesHarness } from '../support/kubernetes-cluster.ts'
import { clusterContract } from './cluster.contract.ts'

clusterContract('KubernetesCluster', () => KubernetesHarness.open())
