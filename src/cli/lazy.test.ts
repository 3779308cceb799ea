import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const bin = (name: string): string => fileURLToPath(new URL(`../../bin/${name}.js`, import.meta.url))
/** Prints each package that is loaded, at the end. */
const hooks = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module'
const packages = new Set()
registerHooks({ load(url, context, next) {
  const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*node_modules)/.exec(url)?.[1]
  if (name !== undefined) packages.add(name)
  return next(url, context)
} })
process.on('exit', () => process.stderr.write('loaded: ' + [...packages].sort().join(' ')))`)}`

async function loadedBy(script: string, args: readonly string[]): Promise<{ code: unknown; err: string }> {
  const { KUBECONFIG: _kubeconfig, PILOTLIGHT_SERVER: _server, ...env } = process.env
  const started = spawn(process.execPath, ['--import', hooks, bin(script), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
  })
  let err = ''
  started.stderr.on('data', (chunk) => (err += String(chunk)))
  const [code]: unknown[] = await once(started, 'close')
  return { code, err }
}

it.each([
  ['pilotlight', ['--version'], 0],
  ['pilotlight', ['--help'], 0],
  ['pilotlight', ['get', 'isvc', '--server', 'http://127.0.0.1:1'], 3],
  ['kubectl-pilotlight', ['--version'], 0],
])('%s %j loads nothing but the reader of command lines', async (script, args, code) => {
  const loaded = await loadedBy(script, args)
  expect(loaded).toEqual({ code, err: expect.stringMatching(/(?:^|\n)loaded: commander$/) })
})

it('kubectl-pilotlight means a cluster', async () => {
  const { code, err } = await loadedBy('kubectl-pilotlight', ['get', 'isvc', '--kubeconfig', 'nowhere'])
  expect([code, err]).toEqual([1, expect.stringContaining('kubeconfig nowhere cannot be used')])
  expect(err).toContain('@kubernetes/client-node')
})
