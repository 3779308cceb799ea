import type { ClusterFacts } from './facts.ts'
import { about, fail, ok, warn, type Finding } from './finding.ts'

/** CEL in CRDs is older; ValidatingAdmissionPolicies are generally available since then. */
const MINOR_MIN = 30
const OWN_CRD = 'inferenceroutes.pilotlight.dev'
const OWN_VERSION = 'v1alpha1'
const KSERVE_CRDS: Readonly<Record<string, string>> = {
  'inferenceservices.serving.kserve.io': 'v1beta1',
  'servingruntimes.serving.kserve.io': 'v1alpha1',
  'clusterservingruntimes.serving.kserve.io': 'v1alpha1',
  'clusterstoragecontainers.serving.kserve.io': 'v1alpha1',
}

export function checkVersion({ version }: ClusterFacts): Finding {
  const what = 'API server'
  return about(what, version, ({ major, minor, gitVersion }) => {
    // Some clouds say "30+".
    const isEnough = Number(major) > 1 || (Number(major) === 1 && Number.parseInt(minor, 10) >= MINOR_MIN)
    return isEnough
      ? ok(what, `${gitVersion}; CEL rules and ValidatingAdmissionPolicy are there`)
      : fail(
          what,
          `${gitVersion} has no ValidatingAdmissionPolicy (admissionregistration.k8s.io/v1)`,
          `upgrade the cluster to 1.${MINOR_MIN} or newer`,
        )
  })
}

export function checkKserveCrds({ crds }: ClusterFacts): Finding {
  const what = "KServe's CRDs"
  return about(what, crds, (found) => {
    const problems = Object.entries(KSERVE_CRDS).flatMap(([name, version]) => {
      const crd = found.find((one) => one.name === name)
      if (crd === undefined) return [`${name} is missing`]
      if (!crd.isEstablished) return [`${name} is not established`]
      return crd.servedVersions.includes(version) ? [] : [`${name} does not serve ${version}`]
    })
    if (problems.length > 0) {
      return fail(
        what,
        problems.join('; '),
        'install them: pilotlight install, or helm with crds.install=true',
      )
    }
    const present = found.filter(({ name }) => name in KSERVE_CRDS)
    return ok(
      what,
      present.every(({ isOurs }) => isOurs) ? 'present, brought by Pilotlight' : "present, KServe's own",
    )
  })
}

export function checkOwnCrd({ crds }: ClusterFacts): Finding {
  const what = 'CRD of InferenceRoutes'
  return about(what, crds, (found) => {
    const crd = found.find(({ name }) => name === OWN_CRD)
    const fix =
      'install it, or update it to the version of the controllers: pilotlight install, or helm upgrade'
    if (crd === undefined) return fail(what, `${OWN_CRD} is missing`, fix)
    if (!crd.isEstablished) return fail(what, `${OWN_CRD} is not established`, fix)
    return crd.servedVersions.includes(OWN_VERSION)
      ? ok(what, `serves ${crd.servedVersions.join(', ')}`)
      : fail(what, `serves ${crd.servedVersions.join(', ') || 'nothing'}, needed is ${OWN_VERSION}`, fix)
  })
}

export function checkAdmissionPolicy({ hasAdmissionPolicy, installation }: ClusterFacts): Finding {
  const what = 'admission policy'
  return about(what, hasAdmissionPolicy, (isThere) =>
    isThere || ('value' in installation.config && installation.config.value.adopt)
      ? ok(what, isThere ? 'inferenceservices.pilotlight.dev is there' : "KServe's webhook checks manifests")
      : warn(
          what,
          'ValidatingAdmissionPolicy inferenceservices.pilotlight.dev is missing: a wrong manifest is refused only in its status',
          'pilotlight install, or helm upgrade',
        ),
  )
}

export function checkMetricsApi({ hasMetricsApi }: ClusterFacts): Finding {
  const what = 'metrics.k8s.io'
  return about(what, hasMetricsApi, (isThere) =>
    isThere
      ? ok(what, 'is served')
      : warn(
          what,
          'is not served: kubectl top and gateway.autoscaling do not work. Scaling of models does not need it',
          'install metrics-server, or leave it if nobody uses them',
        ),
  )
}

export function checkGatewayApi({ hasGatewayApi, installation }: ClusterFacts): Finding {
  const what = 'Gateway API'
  return about(what, installation.config, ({ parentRefs }) => {
    if (parentRefs === 0) return ok(what, 'gatewayApi.parentRefs is empty, so it is not needed')
    return about(what, hasGatewayApi, (isThere) =>
      isThere
        ? ok(what, `gateway.networking.k8s.io/v1 is served for ${parentRefs} parentRefs`)
        : fail(
            what,
            'gatewayApi.parentRefs is set, and gateway.networking.k8s.io/v1 is not served',
            'install the CRDs of the Gateway API (standard channel), or take parentRefs out',
          ),
    )
  })
}
