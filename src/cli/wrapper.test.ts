import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { watchWrapper } from './wrapper.ts'

const wrapperModule = new URL('./wrapper.ts', import.meta.url).href
const child = `const { watchWrapper } = await import(${JSON.stringify(wrapperModule)});
watchWrapper(process.env, () => { console.log('gone'); process.exit(7) });
setInterval(() => {}, 1000); console.log('up')`
/** A wrapper that starts the child with a pipe on fd 3 and does nothing else. */
const wrapper = `require('node:child_process').spawn(process.execPath, ['--input-type=module', '-e', process.env.CHILD],
  { stdio: ['ignore', 'inherit', 'inherit', 'pipe'], env: { ...process.env, PILOTLIGHT_WRAPPER_FD: '3' } })
setInterval(() => {}, 1000)`

describe('watchWrapper', () => {
  it('notices that its wrapper was killed with SIGKILL', async () => {
    const parent = spawn(process.execPath, ['-e', wrapper], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, CHILD: child },
    })
    let text = ''
    for await (const chunk of parent.stdout) {
      text += String(chunk)
      if (text.includes('up\n')) parent.kill('SIGKILL')
      if (text.includes('gone')) break
    }
    expect(text).toBe('up\ngone\n')
  }, 20_000)

  it('does nothing where there is no wrapper', () => {
    expect(() => watchWrapper({}, () => expect.unreachable())[Symbol.dispose]()).not.toThrow()
    expect(() =>
      watchWrapper({ PILOTLIGHT_WRAPPER_FD: 'x' }, () => expect.unreachable())[Symbol.dispose](),
    ).not.toThrow()
  })
})

describe('bin/pilotlight.js', () => {
  const bin = fileURLToPath(new URL('../../bin/pilotlight.js', import.meta.url))
  /** Makes the Node that runs the script say that it is an old one; the Node that it starts says what it is. */
  const oldNode = [
    '--import',
    `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'18.0.0'})`,
  ]

  function start(nodeArgs: readonly string[], args: readonly string[]) {
    const started = spawn(process.execPath, [...nodeArgs, bin, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const seen = { out: '', err: '' }
    started.stdout.on('data', (chunk) => (seen.out += String(chunk)))
    started.stderr.on('data', (chunk) => (seen.err += String(chunk)))
    const over = once(started, 'close').then(([code, signal]: unknown[]) => ({ code, signal, ...seen }))
    return { started, seen, over }
  }

  it.each([
    ['this Node', []],
    ['another Node, because this one is too old', oldNode],
  ])(
    'runs on %s, and keeps the exit code',
    async (_, nodeArgs) => {
      const version = await start(nodeArgs, ['--version']).over
      expect(version).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: '' })
      const unreachable = await start(nodeArgs, ['get', 'isvc', '--server', 'http://127.0.0.1:1']).over
      expect(unreachable).toMatchObject({
        code: 3,
        err: expect.stringContaining('cannot reach the admin API at http://127.0.0.1:1'),
      })
    },
    20_000,
  )

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'passes %s on, and ends as the other process did',
    async (signal) => {
      // It takes the request and never answers.
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      const port = typeof address === 'object' ? address?.port : undefined
      const { started, over } = start(oldNode, ['get', 'isvc', '--server', `http://127.0.0.1:${port}`])
      const [connection]: Socket[] = await once(server, 'connection')
      const closed = once(connection!.on('error', () => {}).resume(), 'close')
      started.kill(signal)
      expect(await over).toMatchObject({ code: null, signal })
      await closed
      server.close()
    },
    20_000,
  )
})
