import type { Desired } from '../../src/core/desired.ts'
import type { RevisionName } from '../../src/core/names.ts'
import type { ReplicaTemplate, Revision } from '../../src/core/revision.ts'

/** A replica template that says nothing but what the test says. */
export function replicaTemplate(parts: Partial<ReplicaTemplate> = {}): ReplicaTemplate {
  return {
    command: [],
    args: [],
    env: [],
    ports: [],
    requests: {},
    limits: {},
    storage: [],
    podSpec: {},
    ...parts,
  }
}

/** A revision of a predictor around a template; no limits, no annotations. */
export function revisionOf(name: RevisionName, replica: Partial<ReplicaTemplate> = {}): Revision {
  const [namespace, child = ''] = name.split('/')
  const componentName = child.replace(/-\d{5}$/, '')
  return {
    name,
    service: `${namespace}/${componentName.replace(/-predictor$/, '')}`,
    component: 'predictor',
    componentName,
    generation: 1,
    createdAtMs: 0,
    template: {
      replica: replicaTemplate(replica),
      limits: { containerConcurrency: 0, timeoutMs: 0, responseStartTimeoutMs: 0, idleTimeoutMs: 0 },
      scaling: { class: 'kpa', annotations: {} },
    },
  }
}

/** A configuration that is recognised by its one problem. */
export function desiredSaying(message: string): Desired {
  return { services: [], problems: [{ source: 'test', kind: '', namespace: '', name: '', message }] }
}
