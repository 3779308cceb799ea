import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SystemClock } from '../../../src/core/clock.ts'
import { Api, hasStatus } from './api.ts'
import { killCgroup, makeCgroup } from './cgroup.ts'
import { controlPlane, type Component } from './control-plane.ts'
import { processNode } from './nodes.ts'
import { Pki } from './pki.ts'
import { isRunning, startDetached } from './processes.ts'
import { realNode } from './real-kubelet/node.ts'
import { layoutOf, readState, writeState, type Layout, type State } from './state.ts'

/**
 * Runs inside the bed's network, where the components can be asked: starts those that do not run, and returns when all
 * of them are ready. The arguments are the state folder and the components; none means all.
 */
const READY_WITHIN_MS = 60_000
const ASK_EVERY_MS = 25
const clock = new SystemClock()

async function start(layout: Layout, state: State, component: Component, api: Api): Promise<void> {
  const log = join(layout.logs, `${component.name.replace(':', '-')}.log`)
  const known = state.processes[component.name]
  let startedAtMs = 0
  if (known === undefined || !isRunning(known)) {
    // What a component that crashed has left behind, such as the containers of a node.
    await killCgroup(layout.name, component.name)
    const cgroup = makeCgroup(layout.name, component.name)
    startedAtMs = clock.now()
    const enter = ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', cgroup]
    state.processes[component.name] = await startDetached([...enter, ...component.argv], {
      log,
      ...(component.env === undefined ? {} : { env: component.env }),
    })
    writeState(layout, state)
  }
  const deadlineMs = clock.now() + READY_WITHIN_MS
  for (;;) {
    let answer: unknown
    try {
      if (await component.isReady(api, startedAtMs)) return
      answer = 'it says that it is not'
    } catch (error) {
      answer = error
    }
    const isLate = clock.now() > deadlineMs
    if (isLate || !isRunning(state.processes[component.name]!)) {
      const why = isLate ? `was not ready after ${READY_WITHIN_MS / 1_000} s (${String(answer)})` : 'ended'
      throw new Error(`${component.name} ${why}; the last lines of ${log}:\n${lastLines(log)}`)
    }
    await clock.sleep(ASK_EVERY_MS)
  }
}

function lastLines(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-10).join('\n') : ''
}

/** Pods cannot be created before the controllers have made the namespace's ServiceAccount. */
const defaultServiceAccount = async (api: Api): Promise<void> => {
  const deadlineMs = clock.now() + READY_WITHIN_MS
  for (;;) {
    try {
      await api.get('/api/v1/namespaces/default/serviceaccounts/default')
      return
    } catch (error) {
      if (!hasStatus(error, 404) || clock.now() > deadlineMs) throw error
    }
    await clock.sleep(ASK_EVERY_MS)
  }
}

async function main([stateDir, ...wanted]: readonly string[]): Promise<void> {
  const layout = layoutOf(stateDir)
  const state = readState(layout)
  if (state === undefined) throw new Error(`${layout.stateDir} holds no test bed`)
  mkdirSync(layout.logs, { recursive: true })
  const api = new Api(new Pki(layout.pki).client('admin'))
  const nodes = state.nodes.map((node) =>
    state.kubelet === 'real' ? realNode(layout, node) : processNode(layout, node),
  )
  const isWanted = ({ name }: Component): boolean => wanted.length === 0 || wanted.includes(name)
  const [etcd, apiServer, ...controllers] = controlPlane(layout, state)
  for (const component of [etcd!, apiServer!].filter(isWanted)) await start(layout, state, component, api)
  // A node has to be there before its own components ask for it, so nothing else is awaited in between.
  await Promise.all(
    [...controllers, ...nodes].filter(isWanted).map((each) => start(layout, state, each, api)),
  )
  if (wanted.length === 0) await defaultServiceAccount(api)
  await api.close()
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
