import { type Api, hasStatus } from '../api.ts'

/** The keys and values of a ConfigMap or Secret, as bytes; undefined when it does not exist. */
export async function contentsOf(
  api: Api,
  { namespace, kind, name }: { namespace: string; kind: 'configmaps' | 'secrets'; name: string },
): Promise<Map<string, Buffer> | undefined> {
  interface Contents {
    readonly data?: Readonly<Record<string, string>>
    readonly binaryData?: Readonly<Record<string, string>>
  }
  try {
    const { data = {}, binaryData = {} } = await api.get<Contents>(
      `/api/v1/namespaces/${namespace}/${kind}/${name}`,
    )
    const encoding = kind === 'secrets' ? 'base64' : 'utf8'
    return new Map([
      ...Object.entries(data).map(([key, value]) => [key, Buffer.from(value, encoding)] as const),
      ...Object.entries(binaryData).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const),
    ])
  } catch (error) {
    if (hasStatus(error, 404)) return undefined
    throw error
  }
}
