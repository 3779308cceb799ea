import { describe, expect, it } from 'vitest'
import type { PodFacts } from '../cluster/pods.ts'
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
import type { ClusterFacts, CrdFacts, InstallationFacts } from './facts.ts'
import type { Finding } from './finding.ts'

const NOW_MS = 1_700_000_000_000

function podOf(name: string, isReady = true, reason = 'Running'): PodFacts {
  const none = { podIP: undefined, hostIP: undefined, serviceAccount: undefined, containers: [] }
  return { name, namespace: 'pilotlight', isReady, reason, ...none }
}

function crd(name: string, version: string, over: Partial<CrdFacts> = {}): CrdFacts {
  return { name, isOurs: true, isEstablished: true, servedVersions: [version], ...over }
}

const KSERVE = ['servingruntimes', 'clusterservingruntimes', 'clusterstoragecontainers'].map((plural) =>
  crd(`${plural}.serving.kserve.io`, 'v1alpha1'),
)
const ISVC = crd('inferenceservices.serving.kserve.io', 'v1beta1')
const ROUTES = crd('inferenceroutes.pilotlight.dev', 'v1alpha1')

const deploymentOf = (name: string) => ({ name, wanted: 2, serviceAccount: name })
const DEPLOYMENTS = new Map([
  ['controller', deploymentOf('pilotlight-controller')],
  ['gateway', deploymentOf('pilotlight-gateway')],
])
const CONFIG = { adopt: false, parentRefs: 0, ingressClassName: undefined }
const SERVICE = {
  name: 'pilotlight-gateway',
  type: 'LoadBalancer',
  readyEndpoints: 2,
  externalAddresses: ['203.0.113.9'],
}

const installation: InstallationFacts = {
  namespace: 'pilotlight',
  deployments: { value: DEPLOYMENTS },
  controllers: { value: [podOf('c1'), podOf('c2')] },
  gateways: { value: [podOf('g1'), podOf('g2')] },
  redis: { value: [podOf('r1')] },
  lease: { value: { holder: 'c1', renewedAtMs: NOW_MS - 2_000, durationMs: 8_000 } },
  config: { value: CONFIG },
  gatewayService: { value: SERVICE },
  missingPermissions: { value: [] },
}

const healthy: ClusterFacts = {
  nowMs: NOW_MS,
  version: { value: { major: '1', minor: '34+', gitVersion: 'v1.34.2' } },
  crds: { value: [...KSERVE, ISVC, ROUTES] },
  hasAdmissionPolicy: { value: true },
  installation,
  neighbours: { value: { kserveReplicas: 0, knativeReplicas: 0, hasKserveWebhook: false } },
  accelerators: { value: [{ resource: 'nvidia.com/gpu', count: 8, nodes: 1 }] },
  hasMetricsApi: { value: true },
  hasGatewayApi: { value: false },
}

const installed = (over: Partial<InstallationFacts>): Partial<ClusterFacts> => ({
  installation: { ...installation, ...over },
})
const beside = (kserveReplicas: number, knativeReplicas: number, hasKserveWebhook: boolean) => ({
  neighbours: { value: { kserveReplicas, knativeReplicas, hasKserveWebhook } },
})
const ADOPT = installed({ config: { value: { ...CONFIG, adopt: true } } })
const REFUSED = { refused: 'User "eve" cannot list it' }
const SINGLE = {
  deployments: { value: new Map([['controller', deploymentOf('pilotlight-controller')]]) },
  gateways: { value: [] },
  redis: { value: [] },
}

const NOTHING = { deployments: { value: new Map() }, redis: { value: [] } }

type Case = readonly [
  check: (facts: ClusterFacts) => Finding,
  of: string,
  facts: Partial<ClusterFacts>,
  verdict: Finding['verdict'],
  why: string,
]

const cases: readonly Case[] = [
  [checkVersion, 'a new server', {}, 'ok', 'v1.34.2'],
  [
    checkVersion,
    '1.30',
    { version: { value: { major: '1', minor: '30', gitVersion: 'v1.30.0' } } },
    'ok',
    'v1.30.0',
  ],
  [
    checkVersion,
    '1.29',
    { version: { value: { major: '1', minor: '29', gitVersion: 'v1.29.9' } } },
    'fail',
    'v1.29.9 has no ValidatingAdmissionPolicy',
  ],
  [checkVersion, 'no answer', { version: REFUSED }, 'warn', 'cannot be read: User "eve"'],

  [checkKserveCrds, 'ours', {}, 'ok', 'brought by Pilotlight'],
  [
    checkKserveCrds,
    "KServe's",
    { crds: { value: [...KSERVE, { ...ISVC, isOurs: false }] } },
    'ok',
    "present, KServe's own",
  ],
  [
    checkKserveCrds,
    'one missing',
    { crds: { value: KSERVE } },
    'fail',
    'inferenceservices.serving.kserve.io is missing',
  ],
  [
    checkKserveCrds,
    'an old one',
    { crds: { value: [...KSERVE, { ...ISVC, servedVersions: ['v1alpha2'] }] } },
    'fail',
    'does not serve v1beta1',
  ],
  [
    checkKserveCrds,
    'one refused',
    { crds: { value: [...KSERVE, { ...ISVC, isEstablished: false }] } },
    'fail',
    'is not established',
  ],

  [checkOwnCrd, 'there', {}, 'ok', 'serves v1alpha1'],
  [checkOwnCrd, 'missing', { crds: { value: [] } }, 'fail', 'inferenceroutes.pilotlight.dev is missing'],
  [
    checkOwnCrd,
    'another version',
    { crds: { value: [{ ...ROUTES, servedVersions: ['v2'] }] } },
    'fail',
    'serves v2, needed is v1alpha1',
  ],
  [
    checkOwnCrd,
    'not established',
    { crds: { value: [{ ...ROUTES, isEstablished: false }] } },
    'fail',
    'is not established',
  ],

  [checkAdmissionPolicy, 'there', {}, 'ok', 'is there'],
  [checkAdmissionPolicy, 'missing', { hasAdmissionPolicy: { value: false } }, 'warn', 'is missing'],
  [
    checkAdmissionPolicy,
    'adopting',
    { hasAdmissionPolicy: { value: false }, ...ADOPT },
    'ok',
    "KServe's webhook",
  ],

  [checkControllers, 'all ready', {}, 'ok', '2 of 2 ready'],
  [
    checkControllers,
    'some ready',
    installed({
      controllers: { value: [podOf('c1'), podOf('c2', false, 'ImagePullBackOff: no such image')] },
    }),
    'warn',
    '1 of 2 ready; c2: ImagePullBackOff: no such image',
  ],
  [
    checkControllers,
    'none ready',
    installed({ controllers: { value: [podOf('c1', false)] } }),
    'fail',
    '0 of 1 ready',
  ],
  [
    checkControllers,
    'none',
    installed({ controllers: { value: [] } }),
    'fail',
    'no pod in namespace pilotlight',
  ],
  [checkControllers, 'unreadable', installed({ controllers: REFUSED }), 'warn', 'cannot be read'],

  [checkGateways, 'all ready', {}, 'ok', '2 of 2 ready'],
  [checkGateways, 'none', installed({ gateways: { value: [] } }), 'fail', 'no pod'],
  [checkGateways, 'profile single', installed(SINGLE), 'ok', 'profile single'],

  [checkLeader, 'fresh', {}, 'ok', 'c1, renewed 2s ago'],
  [checkLeader, 'none', installed({ lease: { value: undefined } }), 'fail', 'no controller leads'],
  [
    checkLeader,
    'given back',
    installed({ lease: { value: { holder: '', renewedAtMs: NOW_MS, durationMs: 8_000 } } }),
    'fail',
    'no controller leads',
  ],
  [
    checkLeader,
    'stale',
    installed({ lease: { value: { holder: 'c1', renewedAtMs: NOW_MS - 60_000, durationMs: 8_000 } } }),
    'fail',
    'c1 renewed its lease 60s ago, and it holds 8s',
  ],
  [
    checkLeader,
    'a stranger',
    installed({ lease: { value: { holder: 'laptop', renewedAtMs: NOW_MS, durationMs: 8_000 } } }),
    'warn',
    'laptop holds the lease',
  ],

  [checkRedis, 'ready', {}, 'ok', '1 of 1 ready'],
  [checkRedis, 'down', installed({ redis: { value: [podOf('r1', false)] } }), 'fail', 'decisions freeze'],
  [checkRedis, 'elsewhere', installed({ redis: { value: [] } }), 'warn', 'cannot be seen from here'],
  [checkRedis, 'not needed', installed(SINGLE), 'ok', 'none is needed'],

  [checkRedis, 'not installed', installed(NOTHING), 'warn', 'nothing is installed'],

  [checkPermissions, 'not installed', installed(NOTHING), 'warn', 'nothing is installed'],
  [checkPermissions, 'all there', {}, 'ok', 'may do all'],
  [
    checkPermissions,
    'one missing',
    installed({
      missingPermissions: {
        value: [
          {
            account: 'pilotlight-gateway',
            verb: 'patch',
            permission: { group: 'apps', resource: 'deployments/scale', verbs: ['patch'] },
          },
        ],
      },
    }),
    'fail',
    'pilotlight-gateway may not patch deployments/scale.apps',
  ],

  [checkGatewayService, 'with an address', {}, 'ok', 'outside at 203.0.113.9'],
  [
    checkGatewayService,
    'missing',
    installed({ gatewayService: { value: undefined } }),
    'fail',
    'is not in namespace',
  ],
  [
    checkGatewayService,
    'no endpoint',
    installed({ gatewayService: { value: { ...SERVICE, readyEndpoints: 0 } } }),
    'fail',
    'no ready endpoint',
  ],
  [
    checkGatewayService,
    'no address yet',
    installed({ gatewayService: { value: { ...SERVICE, externalAddresses: [] } } }),
    'warn',
    'no address yet',
  ],
  [
    checkGatewayService,
    'inside only',
    installed({ gatewayService: { value: { ...SERVICE, type: 'ClusterIP', externalAddresses: [] } } }),
    'warn',
    'from outside the cluster nothing reaches it',
  ],
  [
    checkGatewayService,
    'through an Ingress',
    installed({
      gatewayService: { value: { ...SERVICE, type: 'ClusterIP', externalAddresses: [] } },
      config: { value: { ...CONFIG, ingressClassName: 'nginx' } },
    }),
    'ok',
    'through HTTPRoutes or Ingresses',
  ],

  [checkGatewayApi, 'not asked for', {}, 'ok', 'is not needed'],
  [
    checkGatewayApi,
    'missing',
    installed({ config: { value: { ...CONFIG, parentRefs: 1 } } }),
    'fail',
    'gateway.networking.k8s.io/v1 is not served',
  ],
  [
    checkGatewayApi,
    'there',
    { ...installed({ config: { value: { ...CONFIG, parentRefs: 1 } } }), hasGatewayApi: { value: true } },
    'ok',
    'is served for 1 parentRefs',
  ],

  [checkKserve, 'none', {}, 'ok', 'none'],
  [checkKserve, 'running, mode own', beside(1, 0, true), 'fail', 'both would serve every InferenceService'],
  [checkKserve, 'running, mode adopt', { ...beside(1, 0, true), ...ADOPT }, 'ok', 'mode adopt'],
  [
    checkKserve,
    'webhook left behind',
    beside(0, 0, true),
    'fail',
    'every change of an InferenceService is refused',
  ],
  [checkKserve, 'adopting nothing', ADOPT, 'warn', 'no controller of KServe runs'],

  [checkKnative, 'none', {}, 'ok', 'none'],
  [checkKnative, 'alone', beside(0, 3, false), 'warn', 'does not use it'],
  [checkKnative, 'for KServe', beside(1, 3, true), 'ok', 'for KServe'],

  [checkAccelerators, 'some', {}, 'ok', '8 nvidia.com/gpu on 1 node'],
  [checkAccelerators, 'none', { accelerators: { value: [] } }, 'warn', 'no node has any'],

  [checkMetricsApi, 'there', {}, 'ok', 'is served'],
  [checkMetricsApi, 'missing', { hasMetricsApi: { value: false } }, 'warn', 'kubectl top'],
]

describe('doctor', () => {
  it.each(cases.map(([check, of, ...rest]) => [check.name, of, check, ...rest] as const))(
    '%s: %s',
    (_name, _of, check, facts, verdict, why) => {
      const finding = check({ ...healthy, ...facts })
      expect(finding).toMatchObject({ verdict, why: expect.stringContaining(why) })
      // Whatever is not right comes with what to do.
      expect(finding.fix === undefined).toBe(verdict === 'ok')
    },
  )
})
