import type { DesiredService } from '../core/desired.ts'
import type { InferenceServiceName } from '../core/names.ts'
import type { ReconciledService } from './reconcile.ts'

/** What a service has come to. */
export interface KeptService {
  readonly desired: DesiredService
  /** Its history is what has to survive a restart. */
  readonly result: ReconciledService
}

/** Where services are kept, by name. */
export interface ServiceStore {
  /** The histories of all services, as they were saved. */
  load(): Promise<Readonly<Record<string, unknown>>>
  /** Called in the turn in which anything about the service changed; undefined forgets it. */
  save(service: InferenceServiceName, kept: KeptService | undefined): Promise<void>
}
