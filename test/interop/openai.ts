import { join } from 'node:path'
import { folderOf } from './cache.ts'
import { customService, startGateway } from './gateway.ts'
import { freePort, Peer } from './peer.ts'
import { reportChecks } from './python-checks.ts'
import type { Run, Suite } from './suite.ts'
import { pythonOf, scriptFile, tools } from './tools.ts'

/** OpenAI's Python client to llama.cpp's server. */
export const openai: Suite = {
  name: 'openai',
  title: "OpenAI's client and llama-server",
  tools: [tools.openai, tools.llamaServer, tools.tinyModel],
  programs: ['python3', 'cmake', 'make', 'c++', 'openssl'],
  async run({ direct, report, scratch }: Run) {
    const client = (...args: string[]): readonly string[] => [scriptFile('openai_client.py'), ...args]
    const python = pythonOf(tools.openai)
    if (direct) {
      const port = await freePort()
      const [file = '', ...args] = serverCommand(String(port))
      await using _server = await Peer.start(file, args, { ports: [port] })
      // Now and then the server ends a connection as the next request comes in on it; between the two nobody else is
      // here to try again.
      const url = `http://127.0.0.1:${port}/v1`
      await reportChecks(python, client('--url', url, '--retries', '2'), { report })
      return
    }
    const service = customService('llm', { command: serverCommand('{{.Port}}'), readyPath: '/health' })
    await using gateway = await startGateway([service], { scratch })
    const origin = `http://127.0.0.1:${gateway.plainPort}`
    await reportChecks(python, client('--url', `${origin}/v1`, '--host', 'llm.default.localhost'), {
      report,
      prefix: 'by host: ',
    })
    await reportChecks(python, client('--url', `${origin}/serving/default/llm/v1`), {
      report,
      prefix: 'by path: ',
    })
  },
}

function serverCommand(port: string): string[] {
  const model = join(folderOf(tools.tinyModel), 'tiny.gguf')
  const server = join(folderOf(tools.llamaServer), 'llama-server')
  // One thread: several wait for each other by spinning, which on a busy machine takes longer than the work.
  return [
    server,
    '--threads',
    '1',
    '--model',
    model,
    '--host',
    '127.0.0.1',
    '--port',
    port,
    '--parallel',
    '4',
    '--metrics',
  ]
}
