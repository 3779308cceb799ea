import type { Cluster } from '../cluster/cluster.ts'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'
import { withProgress } from '../progress.ts'
import { table } from '../table.ts'
import {
  checkAdmissionPolicy,
  checkGatewayApi,
  checkKserveCrds,
  checkMetricsApi,
  checkOwnCrd,
  checkVersion,
} from './check-api.ts'
import {
  checkControllers,
  checkGateways,
  checkGatewayService,
  checkLeader,
  checkPermissions,
  checkRedis,
} from './check-installation.ts'
import { checkAccelerators, checkKnative, checkKserve } from './check-surroundings.ts'
import type { ClusterFacts } from './facts.ts'
import type { Finding } from './finding.ts'
import { readFacts } from './read-facts.ts'

/** Each a function of what was read, in the order in which one mends things. */
const CHECKS: readonly ((facts: ClusterFacts) => Finding)[] = [
  checkVersion,
  checkKserveCrds,
  checkOwnCrd,
  checkAdmissionPolicy,
  checkPermissions,
  checkControllers,
  checkLeader,
  checkRedis,
  checkGateways,
  checkGatewayService,
  checkGatewayApi,
  checkKserve,
  checkKnative,
  checkAccelerators,
  checkMetricsApi,
]

/** `pilotlight doctor`: what is missing in a cluster, each with its fix. @throws CliError when something fails. */
export async function doctor(io: Io, cluster: Cluster, options: { readonly output: string }): Promise<void> {
  if (options.output !== 'table' && options.output !== 'json') {
    throw new CliError(
      'usage',
      `--output: ${JSON.stringify(options.output)} is not known; it is table or json`,
    )
  }
  const facts = await withProgress(io, () => 'looking at the cluster', readFacts(io, cluster))
  const findings = CHECKS.map((check) => check(facts))
  io.out(options.output === 'json' ? `${JSON.stringify(findings, null, 2)}\n` : findingsText(findings))
  const failed = findings.filter(({ verdict }) => verdict === 'fail').length
  if (failed > 0) throw new CliError('failed', `${failed} of ${findings.length} checks failed`)
}

function findingsText(findings: readonly Finding[]): string {
  const rows = findings.map(({ verdict, what, why, fix = '' }) => [verdict, what, why, fix])
  return table([['', 'WHAT', 'WHY', 'FIX'], ...rows]).replaceAll(/ +$/gm, '')
}
