import { SystemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/telemetry.ts'
import { ApiClient, loadKubeConfig } from '../../../src/kubernetes/index.ts'

/** The API as whoever runs the tests may use it. */
export async function openClient(): Promise<ApiClient> {
  return ApiClient.fromKubeConfig(await loadKubeConfig(), { clock: new SystemClock(), log: silentLog })
}
