import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

export const repository = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '')

/** Where a test bed keeps everything that it makes. Two test beds differ in this folder, and in what is derived from it. */
export class Layout {
  readonly stateDir: string
  /** Distinguishes this bed's namespace, bridges and cgroups from every other's: `pilotlight-1f3a9c0b`. */
  readonly name: string

  constructor(stateDir: string) {
    this.stateDir = resolve(stateDir)
    this.name = `pilotlight-${createHash('sha256').update(this.stateDir).digest('hex').slice(0, 8)}`
  }

  get namespaceFile(): string {
    return join('/run/netns', this.name)
  }

  get kubeconfig(): string {
    return join(this.stateDir, 'kubeconfig')
  }

  get pki(): string {
    return join(this.stateDir, 'pki')
  }

  get logs(): string {
    return join(this.stateDir, 'logs')
  }

  get data(): string {
    return join(this.stateDir, 'data')
  }

  /** The images of the process kubelets: names and the commands that they stand for. */
  get images(): string {
    return join(this.stateDir, 'images.json')
  }

  /** What the API server was asked by the service accounts of Pilotlight, a JSON object a line. */
  get auditLog(): string {
    return join(this.logs, 'audit.log')
  }

  get auditPolicy(): string {
    return join(this.stateDir, 'audit-policy.yaml')
  }

  get stateFile(): string {
    return join(this.stateDir, 'state.json')
  }
}

/** By default one per checkout. */
export function layoutOf(
  stateDir = process.env['PILOTLIGHT_TESTBED'] ?? join(repository, '.testbed'),
): Layout {
  return new Layout(stateDir)
}

const nodeSchema = z.object({
  name: z.string(),
  gpus: z.number(),
  labels: z.record(z.string(), z.string()),
  taints: z.array(z.object({ key: z.string(), value: z.string(), effect: z.string() })),
  /** Picks the node's pod network: 10.244.INDEX.0/24. */
  index: z.number(),
})

const processSchema = z.object({
  pid: z.number(),
  /** Clock ticks since boot, as /proc/PID/stat says it: with the pid it names one process for ever. */
  startTicks: z.number(),
})

const stateSchema = z.object({
  kubelet: z.enum(['process', 'real']),
  binaries: z.string(),
  backoffScale: z.number(),
  nodeGraceSeconds: z.number(),
  nodes: z.array(nodeSchema),
  processes: z.record(z.string(), processSchema),
})

export type NodeState = z.infer<typeof nodeSchema>
export type ProcessState = z.infer<typeof processSchema>
export type State = z.infer<typeof stateSchema>

/** What was started and has not been taken down; undefined when there is nothing. */
export function readState(layout: Layout): State | undefined {
  if (!existsSync(layout.stateFile)) return undefined
  return stateSchema.parse(JSON.parse(readFileSync(layout.stateFile, 'utf8')))
}

/** Whole or not at all: a crash in between leaves the state before it. */
export function writeState(layout: Layout, state: State): void {
  mkdirSync(layout.stateDir, { recursive: true })
  const file = `${layout.stateFile}.new`
  writeFileSync(file, JSON.stringify(state, undefined, 2))
  renameSync(file, layout.stateFile)
}
