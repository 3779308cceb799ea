import { dirname } from 'node:path'
import type { Image } from '../images.ts'
import { API_PORT, SERVICE_ADDRESS } from '../network.ts'
import { fieldOf } from './fields.ts'
import type { ContainerSpec, EnvVariable } from './objects.ts'
import type { PodContext } from './pod-context.ts'
import { contentsOf } from './references.ts'

/**
 * The variables of a container: those of the image, of in-cluster configuration, of `envFrom` and of `env`, later ones
 * over earlier ones.
 * @throws Error that says what a variable refers to and is not there.
 */
export async function environmentOf(
  spec: ContainerSpec,
  image: Image,
  context: PodContext,
): Promise<Record<string, string>> {
  const { metadata } = context.object()
  const env: Record<string, string> = {
    PATH: `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: '/',
    HOSTNAME: metadata.name,
    ...image.env,
    KUBERNETES_SERVICE_HOST: SERVICE_ADDRESS,
    KUBERNETES_SERVICE_PORT: String(API_PORT),
    KUBERNETES_SERVICE_PORT_HTTPS: String(API_PORT),
  }
  for (const { prefix = '', configMapRef, secretRef } of spec.envFrom ?? []) {
    const reference = configMapRef ?? secretRef
    if (reference === undefined) continue
    const kind = configMapRef === undefined ? 'secrets' : 'configmaps'
    const found = await contentsOf(context.api, { namespace: metadata.namespace, kind, name: reference.name })
    if (found === undefined && reference.optional !== true)
      throw new Error(`${kind} "${reference.name}" not found`)
    for (const [key, value] of found ?? []) env[prefix + key] = value.toString()
  }
  for (const variable of spec.env ?? []) {
    const value = await valueOf(variable, spec, context, env)
    if (value !== undefined) env[variable.name] = value
  }
  return env
}

async function valueOf(
  { name, value, valueFrom }: EnvVariable,
  spec: ContainerSpec,
  context: PodContext,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  if (valueFrom === undefined) return expand(value ?? '', env)
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom
  if (fieldRef !== undefined) return fieldOf(fieldRef.fieldPath, context)
  if (resourceFieldRef !== undefined) {
    const [, list, resource = ''] = /^(limits|requests)\.(.+)$/.exec(resourceFieldRef.resource) ?? []
    return (list === 'limits' ? spec.resources?.limits : spec.resources?.requests)?.[resource] ?? '0'
  }
  const reference = configMapKeyRef ?? secretKeyRef
  if (reference === undefined) throw new Error(`the process kubelet does not know where ${name} comes from`)
  const kind = configMapKeyRef === undefined ? 'secrets' : 'configmaps'
  const { namespace } = context.object().metadata
  const found = await contentsOf(context.api, { namespace, kind, name: reference.name })
  const content = found?.get(reference.key)
  if (content === undefined && reference.optional !== true) {
    throw new Error(
      found === undefined
        ? `${kind} "${reference.name}" not found`
        : `couldn't find key ${reference.key} in ${kind} ${namespace}/${reference.name}`,
    )
  }
  return content?.toString()
}

/** `$(NAME)` is a variable that was defined before, `$$(NAME)` is not one, and an unknown name stays as it is. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([\w.-]+)\)/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (env[name] ?? whole),
  )
}
