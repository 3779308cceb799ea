/** How a service is called from outside and from inside; the fields are those of KServe's ConfigMap `ingress`. */
export interface UrlOptions {
  /** `{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}`; `.Domain`, Knative's word, is the same. */
  readonly domainTemplate: string
  /** `/serving/{{ .Namespace }}/{{ .Name }}`; empty = no path form. */
  readonly pathTemplate: string
  readonly ingressDomain: string
  readonly urlScheme: 'http' | 'https'
  /** The port in URLs; undefined, or the scheme's own, is left out. */
  readonly publicPort?: number
}

/** A template that names a field which does not exist. */
export class UrlTemplateError extends Error {
  override readonly name = 'UrlTemplateError'
}

const PLACEHOLDER = /\{\{\s*\.(\w+)\s*\}\}/g
const SCHEME_PORT = { http: 80, https: 443 }

/** `sklearn-iris` and `ml-serving` give `sklearn-iris.ml-serving.example.com`. @throws UrlTemplateError */
export function publicHost(options: UrlOptions, name: string, namespace: string): string {
  return render('domainTemplate', options, name, namespace).toLowerCase()
}

/** The path form without a trailing slash, or undefined where there is none. @throws UrlTemplateError */
export function pathPrefix(options: UrlOptions, name: string, namespace: string): string | undefined {
  const path = render('pathTemplate', options, name, namespace).replace(/\/+$/, '')
  return path === '' ? undefined : path
}

/** What callers inside a cluster write: the whole name and its short forms. */
export function clusterHosts(name: string, namespace: string): string[] {
  const short = `${name}.${namespace}`
  return [`${short}.svc.cluster.local`, `${short}.svc`, short]
}

export function clusterUrl(name: string, namespace: string): string {
  return `http://${name}.${namespace}.svc.cluster.local`
}

export function publicUrl(options: UrlOptions, name: string, namespace: string): string {
  const port =
    options.publicPort === undefined || options.publicPort === SCHEME_PORT[options.urlScheme]
      ? ''
      : `:${options.publicPort}`
  return `${options.urlScheme}://${publicHost(options, name, namespace)}${port}`
}

/** Knative's tag template: `prev` and `sklearn-iris-predictor` give `prev-sklearn-iris-predictor`. */
export function taggedName(tag: string, name: string): string {
  return `${tag}-${name}`
}

function render(
  field: 'domainTemplate' | 'pathTemplate',
  options: UrlOptions,
  name: string,
  namespace: string,
): string {
  const values: Readonly<Record<string, string>> = {
    Name: name,
    Namespace: namespace,
    IngressDomain: options.ingressDomain,
    Domain: options.ingressDomain,
  }
  return options[field].replace(PLACEHOLDER, (placeholder, key: string) => {
    const value = values[key]
    if (value !== undefined) return value
    throw new UrlTemplateError(
      `${field}: ${placeholder} in '${options[field]}' is not known; allowed are ${Object.keys(values)
        .map((allowed) => `{{ .${allowed} }}`)
        .join(', ')}`,
    )
  })
}
