import { describe, expect, it } from 'vitest'
import { ConfigMapError, configurationFromConfigMap } from './config-map.ts'
import { DEFAULT_CREDENTIALS } from './storage/credentials.ts'
import { DEFAULT_INITIALIZER } from './storage/settings.ts'

const read = (data: Readonly<Record<string, object>>) =>
  configurationFromConfigMap(
    Object.fromEntries(Object.entries(data).map(([key, value]) => [key, JSON.stringify(value)])),
  )

describe("KServe's ConfigMap", () => {
  it('may be empty, or hold what is somebody else’s', () => {
    const expected = {
      urls: {},
      initializer: DEFAULT_INITIALIZER,
      credentials: DEFAULT_CREDENTIALS,
      warnings: [],
    }
    expect(configurationFromConfigMap({})).toEqual(expected)
    expect(configurationFromConfigMap({ _example: '### not JSON', agent: '{"image": 7}' })).toEqual(expected)
  })

  it('says how services are called and shown', () => {
    const ingress = {
      ingressDomain: 'models.example',
      domainTemplate: '{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}',
      pathTemplate: '/serving/{{ .Namespace }}/{{ .Name }}',
      urlScheme: 'https',
      ingressClassName: 'nginx',
      ingressGateway: 'knative-serving/knative-ingress-gateway',
    }
    const { urls, exposure } = read({ ingress })
    expect(urls).toEqual({
      ingressDomain: 'models.example',
      domainTemplate: '{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}',
      pathTemplate: '/serving/{{ .Namespace }}/{{ .Name }}',
      urlScheme: 'https',
    })
    expect(exposure).toEqual({
      kind: 'ingress',
      settings: { ingressClassName: 'nginx', placement: 'service' },
    })
    expect(read({ ingress: { ...ingress, disableIngressCreation: true } }).exposure).toEqual({ kind: 'none' })
  })

  it('says which Gateway is meant', () => {
    const ingress = { enableGatewayApi: true, kserveIngressGateway: 'kserve/gate', ingressClassName: 'istio' }
    const parentRefs = [{ namespace: 'kserve', name: 'gate' }]
    expect(read({ ingress }).exposure).toEqual({
      kind: 'gateway-api',
      settings: { parentRefs, timeouts: true },
    })
    expect(read({ ingress: { ...ingress, disableHTTPRouteTimeout: true } }).exposure).toEqual({
      kind: 'gateway-api',
      settings: { parentRefs, timeouts: false },
    })
  })

  it.each([
    ['Knative', 'Knative'],
    ['Serverless', 'Knative'],
    ['Standard', 'Standard'],
    ['RawDeployment', 'Standard'],
  ])('calls the default mode %s: %s', (defaultDeploymentMode, mode) => {
    expect(read({ deploy: { defaultDeploymentMode } }).defaultMode).toBe(mode)
  })

  it('says how models are fetched', () => {
    const storageInitializer = {
      image: 'registry.example/initializer:1',
      memoryLimit: '4Gi',
      cpuLimit: '',
      caBundleConfigMapName: 'ca',
      caBundleVolumeMountPath: '/etc/ca',
      ociModelMode: 'fetch',
      enableModelcar: true,
    }
    expect(read({ storageInitializer }).initializer).toEqual({
      image: 'registry.example/initializer:1',
      requests: { cpu: '100m', memory: '100Mi' },
      limits: { cpu: '1', memory: '4Gi' },
      caBundle: { configMapName: 'ca', mountPath: '/etc/ca' },
      oci: 'fetch',
      ociInsecureRegistry: false,
    })
  })

  it('says how secrets are read', () => {
    const credentials = {
      storageSpecSecretName: 'storage',
      gcs: { gcsCredentialFileName: 'key.json' },
      s3: { s3AccessKeyIDName: 'id', s3SecretAccessKeyName: 'pw', s3Region: 'eu-1', s3Endpoint: '' },
    }
    expect(read({ credentials }).credentials).toEqual({
      storageSecretName: 'storage',
      secretNameAnnotation: 'serving.kserve.io/storageSecretName',
      accessKeyIdName: 'id',
      secretAccessKeyName: 'pw',
      gcsFileName: 'key.json',
      s3: { s3Region: 'eu-1' },
    })
  })

  it('is told what has no effect here', () => {
    const { warnings } = read({
      ingress: { additionalIngressDomains: ['b.example'] },
      storageInitializer: { ociModelMode: 'modelcar' },
    })
    expect(warnings).toEqual([
      expect.stringContaining('ingress.additionalIngressDomains'),
      expect.stringContaining('storageInitializer.ociModelMode'),
    ])
  })

  it.each<[Readonly<Record<string, string>>, string]>([
    [{ ingress: '{oops' }, 'ingress: has to be JSON: '],
    [{ deploy: '[]' }, 'deploy: has to be a JSON object'],
    [
      { deploy: '{"defaultDeploymentMode": "ModelMesh"}' },
      'deploy.defaultDeploymentMode: "ModelMesh": Invalid option: expected one of "Knative"',
    ],
    [
      { ingress: '{"urlScheme": "ftp"}' },
      'ingress.urlScheme: "ftp": Invalid option: expected one of "http"|"https"',
    ],
    [
      { ingress: '{"ingressDomain": "a b"}' },
      'ingress.ingressDomain: "a b": has to be a domain such as example.com',
    ],
    [
      { ingress: '{"kserveIngressGateway": "gate"}' },
      'ingress.kserveIngressGateway: "gate": has to be namespace/name of a Gateway',
    ],
    [
      { ingress: '{"enableGatewayApi": true}' },
      'ingress.kserveIngressGateway: is needed with enableGatewayApi',
    ],
    [{ ingress: '{"domainTemplate": "{{ .Nome }}.x"}' }, 'ingress.domainTemplate: {{ .Nome }} in'],
    [
      { ingress: '{"domainTemplate": "{{ .Labels.team }}.x"}' },
      "ingress.domainTemplate: '{{ .Labels.team }}.x' has a placeholder that is not known",
    ],
    [
      { ingress: '{"pathTemplate": "serving/{{ .Name }}"}' },
      "ingress.pathTemplate: 'serving/{{ .Name }}' has to begin with /",
    ],
    [{ storageInitializer: '{"image": 7}' }, 'storageInitializer.image: 7: Invalid input: expected string'],
  ])('is refused as %j', (data, message) => {
    expect(() => configurationFromConfigMap(data)).toThrow(ConfigMapError)
    expect(() => configurationFromConfigMap(data)).toThrow(message)
  })
})
