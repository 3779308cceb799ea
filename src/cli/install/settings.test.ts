import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../kubernetes/api/index.ts'
import { readManifest } from './manifest.ts'
import { withSettings } from './settings.ts'

const file = readManifest('pilotlight')

function find(objects: readonly KubeObject[], kind: string, name: string): string {
  return JSON.stringify(objects.find((object) => object.kind === kind && object.metadata.name === name))
}

describe('the file of an installation', () => {
  it('has the namespace and the CRDs first, and Deployments after what they mount', () => {
    const kinds = file.map(({ kind }) => kind)
    expect(kinds[0]).toBe('Namespace')
    expect(kinds.slice(1, 6)).toEqual(Array.from({ length: 5 }, () => 'CustomResourceDefinition'))
    expect(kinds.lastIndexOf('ConfigMap')).toBeLessThan(kinds.indexOf('Deployment'))
    expect(kinds.lastIndexOf('ValidatingAdmissionPolicy')).toBeLessThan(
      kinds.indexOf('ValidatingAdmissionPolicyBinding'),
    )
  })

  it('goes whole into another namespace', () => {
    const moved = readManifest('infra')
    const left = moved.filter(
      (object) =>
        object.kind !== 'CustomResourceDefinition' &&
        /"namespace":"pilotlight"|\.pilotlight\.svc/.test(JSON.stringify(object)),
    )
    expect(left).toEqual([])
    expect(find(moved, 'Namespace', 'infra')).toContain('pod-security')
    expect(find(moved, 'Secret', 'pilotlight-redis')).toContain('pilotlight-redis.infra.svc.cluster.local')
    expect(find(moved, 'ClusterRoleBinding', 'pilotlight-gateway')).toContain('"namespace":"infra"')
  })
})

describe('--set', () => {
  it.each([
    ['gateway.replicas=5', 'Deployment', 'pilotlight-gateway', '"replicas":5'],
    ['controller.replicas=1', 'Deployment', 'pilotlight-controller', '"replicas":1'],
    ['gateway.service.type=NodePort', 'Service', 'pilotlight-gateway', '"type":"NodePort"'],
    ['logLevel=debug', 'Deployment', 'pilotlight-gateway', '"--log-level","debug"'],
    ['image.tag=9.9.9', 'Deployment', 'pilotlight-controller', '/pilotlight:9.9.9"'],
    [
      'image.registry=localhost:5000',
      'Deployment',
      'pilotlight-gateway',
      '"localhost:5000/pilotlight/pilotlight:',
    ],
    ['image.repository=team/it', 'Deployment', 'pilotlight-gateway', '/team/it:'],
    [`image.digest=sha256:${'a'.repeat(64)}`, 'Deployment', 'pilotlight-gateway', '/pilotlight@sha256:aaa'],
    ['redis.image=redis:9', 'Deployment', 'pilotlight-redis', '"image":"redis:9"'],
    [
      'ingress.ingressDomain=models.example.org',
      'ConfigMap',
      'pilotlight',
      'ingressDomain: models.example.org',
    ],
  ])('%s is in %s %s', (setting, kind, name, text) => {
    expect(find(file, kind, name)).not.toContain(text)
    const changed = withSettings(file, [setting])
    expect(find(changed, kind, name)).toContain(text)
    // And nowhere else but where it belongs.
    const others = changed.filter((object, at) => JSON.stringify(object) !== JSON.stringify(file[at]))
    expect(new Set(others.map((object) => object.kind)).size).toBeLessThanOrEqual(2)
  })

  it('makes new pods for a new configuration, and only then', () => {
    const hash = (objects: readonly KubeObject[]): string | undefined =>
      /"pilotlight\.dev\/config":"(\w+)"/.exec(find(objects, 'Deployment', 'pilotlight-gateway'))?.[1]
    expect(hash(file)).toMatch(/^[0-9a-f]{64}$/)
    expect(hash(withSettings(file, ['logLevel=warn']))).toBe(hash(file))
    expect(hash(withSettings(file, ['ingress.urlScheme=https']))).not.toBe(hash(file))
  })

  it('leaves the image of Redis alone when ours changes', () => {
    expect(find(withSettings(file, ['image.registry=r.example']), 'Deployment', 'pilotlight-redis')).toBe(
      find(file, 'Deployment', 'pilotlight-redis'),
    )
  })

  it.each([
    [
      'profile=single',
      '--set: profile needs the chart: helm install pilotlight charts/pilotlight --set profile=single',
    ],
    ['replicas', '"replicas" is not valid; it is KEY=VALUE'],
    ['gateway.replicas=0', 'gateway.replicas: "0" is not valid; it is a whole number from 1 to 100'],
    ['gateway.service.type=Public', 'it is ClusterIP, LoadBalancer or NodePort'],
    ['image.tag=a b', 'it is a tag such as 1.2.3'],
  ])('%s is refused', (setting, message) => {
    expect(() => withSettings(file, [setting])).toThrow(message)
  })
})
