import { resolve } from 'node:path'
import type { ReplicaTemplate } from '../core/revision.ts'
import { ReplicaFailure } from './replica-failure.ts'

/** What one replica is given: what the placeholders of its template stand for. */
export interface Placement {
  readonly port: number
  /** A second port, for gRPC calls; undefined where the template does not ask for one. */
  readonly grpcPort?: number
  /** The folder of each entry of `template.storage`, in its order. */
  readonly modelDirs: readonly string[]
  /** undefined: this machine's GPUs are not handed out. */
  readonly gpuIds?: readonly string[]
}

/** One process, ready to be started. */
export interface Launch {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

/**
 * The process of one replica: `{{.Port}}`, `{{.GrpcPort}}` and `{{.ModelDir}}` resolved in command, args, env and workingDir, and the
 * mount paths of its models (`/mnt/models`) replaced by their folders, so that a runtime written for a container
 * runs as it is. `PORT` is set. A relative workingDir stands in the manifest's folder.
 *
 * Where GPUs are handed out, CUDA_VISIBLE_DEVICES names the replica's own; one that asked for none sees none,
 * unless its manifest sets the variable itself. Elsewhere the variable is left alone.
 * @throws ReplicaFailure when there is no command, or a model folder is asked for and there is none.
 */
export function launchOf(
  template: ReplicaTemplate,
  placement: Placement,
  inherited: Readonly<Record<string, string | undefined>>,
): Launch {
  const [file, ...rest] = template.command
  if (file === undefined || file === '')
    throw new ReplicaFailure('NoCommand', noCommand(template), { canRetry: false })

  const fill = (field: string, text: string): string => fillPlaceholders(field, text, template, placement)
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(inherited)) if (value !== undefined) env[name] = value
  env['PORT'] = String(placement.port)
  if (placement.gpuIds?.length === 0) env['CUDA_VISIBLE_DEVICES'] = ''
  for (const { name, value } of template.env) env[name] = fill(`env ${name}`, value)
  if (placement.gpuIds !== undefined && placement.gpuIds.length > 0) {
    env['CUDA_VISIBLE_DEVICES'] = placement.gpuIds.join(',')
  }

  return {
    file: fill('command', file),
    args: [...rest.map((part) => fill('command', part)), ...template.args.map((arg) => fill('args', arg))],
    env,
    cwd: resolve(template.baseDir ?? '.', fill('workingDir', template.workingDir ?? '.')),
  }
}

/** The text of one field with everything filled in that depends on the replica. */
export function fillPlaceholders(
  field: string,
  text: string,
  template: Pick<ReplicaTemplate, 'storage'>,
  placement: Placement,
): string {
  // Mount paths first: a folder of this machine may itself contain /mnt/models.
  return replaceMounts(text, template.storage, placement.modelDirs)
    .replace(/\{\{\s*\.Port\s*\}\}/g, () => String(placement.port))
    .replace(/\{\{\s*\.GrpcPort\s*\}\}/g, (whole) => String(placement.grpcPort ?? whole))
    .replace(/\{\{\s*\.ModelDir\s*\}\}/g, () => {
      const dir = placement.modelDirs[0]
      if (dir !== undefined) return dir
      throw new ReplicaFailure(
        'StorageError',
        `${field}: {{.ModelDir}} is used and the service has no storageUri`,
        {
          canRetry: false,
        },
      )
    })
}

function replaceMounts(
  text: string,
  storage: ReplicaTemplate['storage'],
  modelDirs: readonly string[],
): string {
  const dirByMount = new Map<string, string>()
  for (const [index, { mountPath }] of storage.entries()) {
    const dir = modelDirs[index]
    if (dir !== undefined && mountPath !== '' && !dirByMount.has(mountPath)) dirByMount.set(mountPath, dir)
  }
  if (dirByMount.size === 0) return text
  // The longest first: /mnt/models/lora is not /mnt/models with something behind it.
  const mounts = [...dirByMount.keys()].sort((a, b) => b.length - a.length).map(escapeForPattern)
  // A whole path only: neither the end of a longer one (/data/mnt/models) nor its beginning (/mnt/models-2).
  const pattern = new RegExp(`(?:(?<![\\w.\\-/])|(?<=:\\/\\/))(?:${mounts.join('|')})(?![\\w\\-])`, 'g')
  return text.replace(pattern, (mount) => dirByMount.get(mount) ?? mount)
}

function escapeForPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}

function noCommand(template: ReplicaTemplate): string {
  const { runtime, image } = template
  const who = runtime === undefined ? 'the container' : `${runtime.kind} ${runtime.name}`
  const has = image === undefined ? 'no command' : `an image (${image}) and no command`
  return `${who} has ${has}: replicas on this machine are processes; give the container a command, or use a ServingRuntime that has one`
}
