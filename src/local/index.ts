/**
 * A Cluster whose replicas are processes of this machine. `LocalCluster` starts, watches and ends them;
 * `ManifestFolder` reads what is desired from folders and the API; `FileHistory` keeps what outlives a restart;
 * `lockStateDir` keeps two of us from sharing one state folder.
 */
export { LocalCluster, type DesiredSource, type LocalClusterOptions } from './local-cluster.ts'
export {
  ApplyRefused,
  ManifestFolder,
  type AppliedDocument,
  type ManifestFolderOptions,
  type Manifests,
  type MetadataLookup,
} from './manifest-folder.ts'
export type { ManifestDocument } from './documents.ts'
export type { FolderProblem } from './folder-scan.ts'
export type { ObjectMetadata } from './object-metadata.ts'
export type { SourceFile } from './overlay.ts'
export { detectGpus } from './gpus.ts'
export { NvidiaSmi } from './nvidia-smi.ts'
export { ProcessUsage } from './process-usage.ts'
export { FileHistory } from './file-history.ts'
export { ReplicaLogStore } from './replica-logs.ts'
export { lockStateDir, StateDirInUse } from './state-lock.ts'
