import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fieldOf } from './fields.ts'
import type { KeysToPaths, ProjectedSource, Volume } from './objects.ts'
import type { PodContext } from './pod-context.ts'
import { contentsOf } from './references.ts'

type Files = Map<string, Buffer>

/** A token is asked for again when most of its life is over. */
const TOKEN_LIFE_PART = 0.8

/** The volumes of a pod as folders of this machine, which containers mount. */
export class Volumes {
  readonly #context: PodContext
  readonly #tokens = new Map<string, { readonly token: Buffer; readonly staleAtMs: number }>()
  #generation = 0

  constructor(context: PodContext) {
    this.#context = context
  }

  /** Where a volume lies, or a part of it. */
  pathOf(name: string, subPath = ''): string {
    const volume = this.#context.object().spec.volumes?.find((each) => each.name === name)
    const path = join(volume?.hostPath?.path ?? this.#folder(name), subPath)
    if (!existsSync(path)) mkdirSync(path, { recursive: true })
    return realpathSync(path)
  }

  /** Makes all volumes, or brings what they show up to date. @throws Error that says what is missing. */
  async refresh(): Promise<void> {
    for (const volume of this.#context.object().spec.volumes ?? []) {
      if (volume.hostPath !== undefined) continue
      const folder = this.#folder(volume.name)
      if (!existsSync(folder)) {
        mkdirSync(folder, { recursive: true })
        if (volume.emptyDir !== undefined) chmodSync(folder, 0o777)
      }
      if (volume.emptyDir === undefined) this.#show(folder, await this.#filesOf(volume))
    }
  }

  #folder(name: string): string {
    return join(this.#context.folder, 'volumes', name)
  }

  async #filesOf(volume: Volume): Promise<Files> {
    const sources = volume.projected?.sources ?? [volume]
    const files: Files = new Map()
    for (const source of sources) {
      const { configMap, secret, downwardAPI, serviceAccountToken } = source
      if (!(configMap ?? secret ?? downwardAPI ?? serviceAccountToken)) {
        throw new Error(`volume ${volume.name} is of a kind that the process kubelet does not play`)
      }
      for (const [path, content] of await this.#filesOfSource(source)) files.set(path, content)
    }
    return files
  }

  async #filesOfSource({
    configMap,
    secret,
    downwardAPI,
    serviceAccountToken,
  }: ProjectedSource): Promise<Files> {
    const { namespace } = this.#context.object().metadata
    if (configMap !== undefined) {
      return this.#picked({ namespace, kind: 'configmaps', name: configMap.name }, configMap)
    }
    if (secret !== undefined) {
      return this.#picked(
        { namespace, kind: 'secrets', name: secret.secretName ?? secret.name ?? '' },
        secret,
      )
    }
    if (downwardAPI !== undefined) {
      const items = downwardAPI.items ?? []
      return new Map(
        items.map(({ path, fieldRef }) => [
          path,
          Buffer.from(fieldOf(fieldRef?.fieldPath ?? '', this.#context)),
        ]),
      )
    }
    return new Map([[serviceAccountToken!.path, await this.#token(serviceAccountToken!)]])
  }

  async #picked(
    reference: { namespace: string; kind: 'configmaps' | 'secrets'; name: string },
    { items, optional }: KeysToPaths,
  ): Promise<Files> {
    const found = await contentsOf(this.#context.api, reference)
    if (found === undefined && optional !== true)
      throw new Error(`${reference.kind} "${reference.name}" not found`)
    if (items === undefined || found === undefined) return found ?? new Map()
    const files: Files = new Map()
    for (const { key, path } of items) {
      const content = found.get(key)
      if (content !== undefined) files.set(path, content)
      else if (optional !== true) throw new Error(`${reference.kind} "${reference.name}" has no key ${key}`)
    }
    return files
  }

  async #token({
    path,
    audience,
    expirationSeconds = 3_600,
  }: NonNullable<ProjectedSource['serviceAccountToken']>): Promise<Buffer> {
    const { api, clock } = this.#context
    const known = this.#tokens.get(path)
    if (known !== undefined && clock.now() < known.staleAtMs) return known.token
    const { metadata, spec } = this.#context.object()
    const account = spec.serviceAccountName ?? 'default'
    const answer = await api.post<{ readonly status: { readonly token: string } }>(
      `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${account}/token`,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          expirationSeconds,
          ...(audience === undefined ? {} : { audiences: [audience] }),
          boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: metadata.name, uid: metadata.uid },
        },
      },
    )
    const token = Buffer.from(answer.status.token)
    this.#tokens.set(path, { token, staleAtMs: clock.now() + expirationSeconds * 1_000 * TOKEN_LIFE_PART })
    return token
  }

  /**
   * As the kubelet does it, so that a program sees all files of one version: each name is a link through `..data`, and
   * `..data` changes to the next version in one step.
   */
  #show(folder: string, files: Files): void {
    const data = join(folder, '..data')
    const before = existsSync(data) ? readlinkSync(data) : undefined
    if (before !== undefined && isSame(join(folder, before), files)) return
    this.#generation += 1
    const version = `..${this.#generation}`
    mkdirSync(join(folder, version), { recursive: true })
    for (const [path, content] of files) {
      const file = join(folder, version, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content, { mode: 0o644 })
    }
    symlinkSync(version, `${data}.next`)
    renameSync(`${data}.next`, data)
    for (const path of files.keys()) {
      const [top = ''] = path.split('/')
      const link = join(folder, top)
      if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(join('..data', top), link)
    }
    writeFileSync(join(folder, version, '..files'), [...files.keys()].join('\n'))
    if (before !== undefined) rmSync(join(folder, before), { recursive: true, force: true })
  }
}

function isSame(folder: string, files: Files): boolean {
  const listed = readFileSync(join(folder, '..files'), 'utf8')
  return (
    listed === [...files.keys()].join('\n') &&
    [...files].every(([path, content]) => readFileSync(join(folder, path)).equals(content))
  )
}
