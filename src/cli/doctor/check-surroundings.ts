import type { ClusterFacts } from './facts.ts'
import { about, fail, ok, warn, type Finding } from './finding.ts'

export function checkKserve({ neighbours, installation }: ClusterFacts): Finding {
  const what = 'KServe beside us'
  return about(what, neighbours, ({ kserveReplicas, hasKserveWebhook }) => {
    const adopts = 'value' in installation.config && installation.config.value.adopt
    if (kserveReplicas > 0) {
      return adopts
        ? ok(
            what,
            'its controller runs; mode adopt: we serve only what is annotated pilotlight.dev/adopt: "true"',
          )
        : fail(
            what,
            'its controller runs, and mode is own: both would serve every InferenceService',
            'install with helm and mode=adopt, or uninstall KServe and keep its CRDs',
          )
    }
    if (hasKserveWebhook) {
      return fail(
        what,
        'its controller is gone and its webhook is not: every change of an InferenceService is refused',
        'kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration inferenceservice.serving.kserve.io',
      )
    }
    return adopts
      ? warn(
          what,
          'mode is adopt, and no controller of KServe runs',
          'install with mode=own to serve every InferenceService',
        )
      : ok(what, 'none')
  })
}

export function checkKnative({ neighbours }: ClusterFacts): Finding {
  const what = 'Knative beside us'
  return about(what, neighbours, ({ knativeReplicas, kserveReplicas }) => {
    if (knativeReplicas === 0) return ok(what, 'none')
    return kserveReplicas > 0
      ? ok(what, 'Knative Serving runs, for KServe')
      : warn(
          what,
          'Knative Serving runs; Pilotlight does not use it',
          'leave it if something else does, or uninstall it',
        )
  })
}

export function checkAccelerators({ accelerators }: ClusterFacts): Finding {
  const what = 'GPUs'
  return about(what, accelerators, (found) =>
    found.length === 0
      ? warn(
          what,
          'no node has any allocatable: models that ask for one stay unscheduled',
          "install the device plugin of your GPUs' maker on their nodes, or leave it if all models run on CPUs",
        )
      : ok(
          what,
          found
            .map(
              ({ resource, count, nodes }) =>
                `${count} ${resource} on ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`,
            )
            .join(', '),
        ),
  )
}
