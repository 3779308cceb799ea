import { createHash } from 'node:crypto'
import { parseDocument } from 'yaml'
import type { KubeObject } from '../../kubernetes/api/index.ts'
import { CliError } from '../errors.ts'

/** The parts of the file's objects that settings change. */
interface Part extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: {
    readonly type?: string
    readonly replicas?: number
    readonly template?: PodTemplate
  }
}

interface PodTemplate {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: {
    readonly containers: readonly {
      readonly name: string
      readonly image: string
      readonly args?: readonly string[]
    }[]
  }
}

interface Setting {
  /** What values are allowed, in words. */
  readonly allowed: string
  readonly fits: RegExp
  readonly change: (object: Part, value: string) => Part
}

const CONFIG_FILE = 'pilotlight.yaml'
const CONFIG_HASH = 'pilotlight.dev/config'
const REPLICAS = { allowed: 'a whole number from 1 to 100', fits: /^(?:[1-9]\d?|100)$/ }

const replicas = (component: string): Setting => ({
  ...REPLICAS,
  change: (object, value) =>
    isOf(object, 'Deployment', component)
      ? { ...object, spec: { ...object.spec, replicas: Number(value) } }
      : object,
})

const ingress = (field: string, allowed: string, fits: RegExp): Setting => ({
  allowed,
  fits,
  change: (object, value) => withConfig(object, ['ingress', field], value),
})

const image = (
  allowed: string,
  fits: RegExp,
  change: (parts: { registry: string; repository: string; version: string }, value: string) => string,
): Setting => ({
  allowed,
  fits,
  change: (object, value) =>
    withContainers(object, (container) => {
      const [, registry = '', repository = '', version = ''] =
        /^([^/]+)\/([^:@]+)([:@].+)$/.exec(container.image) ?? []
      return container.name === 'redis'
        ? container
        : { ...container, image: change({ registry, repository, version }, value) }
    }),
})

/** Values of the chart that the plain file can take, since each is in one place of it. */
const SETTINGS: Readonly<Record<string, Setting>> = {
  'image.registry': image(
    'a host such as registry.example.com',
    /^[a-z0-9.-]+(?::\d+)?(?:\/[a-z0-9._/-]+)?$/,
    ({ repository, version }, registry) => `${registry}/${repository}${version}`,
  ),
  'image.repository': image(
    'a path such as team/pilotlight',
    /^[a-z0-9][a-z0-9._/-]*$/,
    ({ registry, version }, repository) => `${registry}/${repository}${version}`,
  ),
  'image.tag': image(
    'a tag such as 1.2.3',
    /^\w[\w.-]{0,127}$/,
    ({ registry, repository }, tag) => `${registry}/${repository}:${tag}`,
  ),
  'image.digest': image(
    'sha256: and 64 hexadecimal digits',
    /^sha256:[0-9a-f]{64}$/,
    ({ registry, repository }, digest) => `${registry}/${repository}@${digest}`,
  ),
  'redis.image': {
    allowed: 'an image with its tag or digest',
    fits: /^\S+[:@]\S+$/,
    change: (object, value) =>
      withContainers(object, (container) =>
        container.name === 'redis' ? { ...container, image: value } : container,
      ),
  },
  'gateway.replicas': replicas('gateway'),
  'controller.replicas': replicas('controller'),
  'gateway.service.type': {
    allowed: 'ClusterIP, LoadBalancer or NodePort',
    fits: /^(?:ClusterIP|LoadBalancer|NodePort)$/,
    change: (object, type) =>
      isOf(object, 'Service', 'gateway') && object.metadata.name.endsWith('-gateway')
        ? { ...object, spec: { ...object.spec, type } }
        : object,
  },
  logLevel: {
    allowed: 'debug, info, warn or error',
    fits: /^(?:debug|info|warn|error)$/,
    change: (object, value) =>
      withContainers(object, (container) => {
        const at = container.args?.indexOf('--log-level') ?? -1
        return at < 0 ? container : { ...container, args: container.args?.with(at + 1, value) ?? [] }
      }),
  },
  'ingress.ingressDomain': ingress('ingressDomain', 'a domain such as models.example.com', /^[a-z0-9.-]+$/),
  'ingress.domainTemplate': ingress('domainTemplate', 'a template with {{ .Name }}', /\{\{\s*\.Name\s*\}\}/),
  'ingress.pathTemplate': ingress('pathTemplate', 'a template that begins with /', /^\//),
  'ingress.urlScheme': ingress('urlScheme', 'http or https', /^https?$/),
}

/** The objects with `--set key=value` in them. @throws CliError (usage) for what needs helm, and for values that are not allowed. */
export function withSettings(
  objects: readonly KubeObject[],
  settings: readonly string[],
): readonly KubeObject[] {
  const changes = settings.map(readSetting)
  return objects
    .map((object) => changes.reduce<Part>((changed, change) => change(changed), object))
    .map(withHash(objects))
}

function readSetting(text: string): (object: Part) => Part {
  const equals = text.indexOf('=')
  const [key, value] = [text.slice(0, Math.max(0, equals)), text.slice(equals + 1)]
  if (equals < 1) throw new CliError('usage', `--set: ${JSON.stringify(text)} is not valid; it is KEY=VALUE`)
  const setting = SETTINGS[key]
  if (setting === undefined) {
    throw new CliError(
      'usage',
      `--set: ${key} needs the chart: helm install pilotlight charts/pilotlight --set ${text}. Without helm there are ${Object.keys(SETTINGS).join(', ')}`,
    )
  }
  if (!setting.fits.test(value)) {
    throw new CliError(
      'usage',
      `--set: ${key}: ${JSON.stringify(value)} is not valid; it is ${setting.allowed}`,
    )
  }
  return (object) => setting.change(object, value)
}

/** Pods read their configuration once: another one has to make new pods. */
function withHash(
  before: readonly KubeObject[],
): (object: Part, index: number, all: readonly Part[]) => Part {
  const configIn = (objects: readonly Part[]): string | undefined =>
    objects.map(({ data }) => data?.[CONFIG_FILE]).find((text) => text !== undefined)
  return (object, _index, all) => {
    const { spec } = object
    const template = spec?.template
    const config = configIn(all)
    if (
      config === undefined ||
      config === configIn(before) ||
      template?.metadata.annotations?.[CONFIG_HASH] === undefined
    )
      return object
    const annotations = {
      ...template.metadata.annotations,
      [CONFIG_HASH]: createHash('sha256').update(config).digest('hex'),
    }
    return {
      ...object,
      spec: { ...spec, template: { ...template, metadata: { ...template.metadata, annotations } } },
    }
  }
}

function withConfig(object: Part, path: readonly string[], value: string): Part {
  const text = object.data?.[CONFIG_FILE]
  if (object.kind !== 'ConfigMap' || text === undefined) return object
  const document = parseDocument(text)
  document.setIn(path, value)
  return { ...object, data: { ...object.data, [CONFIG_FILE]: document.toString() } }
}

type Container = PodTemplate['spec']['containers'][number]

function withContainers(object: Part, change: (container: Container) => Container): Part {
  const template = object.spec?.template
  if (object.kind !== 'Deployment' || template === undefined) return object
  const containers = template.spec.containers.map(change)
  return {
    ...object,
    spec: { ...object.spec, template: { ...template, spec: { ...template.spec, containers } } },
  }
}

function isOf({ kind, metadata }: Part, wanted: string, component: string): boolean {
  return kind === wanted && metadata.labels?.['app.kubernetes.io/component'] === component
}
