import { join } from 'node:path'
import { makeCertificates } from '../support/certificates.ts'
import { must } from './command.ts'
import { customService, startGateway } from './gateway.ts'
import { freePort, Peer } from './peer.ts'
import type { Run, Suite } from './suite.ts'
import { goTool, tools } from './tools.ts'

/**
 * Every case of the gRPC project's interop client that its interop server can answer: without those that need an account
 * in somebody's cloud, and without pick_first_unary, orca_per_rpc and orca_oob, which fail against this server with
 * nothing between.
 */
const cases = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'custom_metadata',
  'unimplemented_method',
  'unimplemented_service',
  'rpc_soak',
  'channel_soak',
]

/** gRPC's interop client, without TLS and with it, to gRPC's interop server as a replica that speaks h2c. */
export const grpc: Suite = {
  name: 'grpc',
  title: 'gRPC interop client and server of grpc-go',
  tools: [tools.goTools],
  programs: ['go', 'openssl'],
  async run({ direct, report, scratch }: Run) {
    await using server = direct ? await startServers(scratch) : await startThroughGateway(scratch)
    for (const transport of ['h2c', 'TLS'] as const) {
      const flags = [
        // For a name it would ask the machine's name server for balancers and settings, and wait for the answer.
        '-server_host=127.0.0.1',
        ...(transport === 'h2c'
          ? [`-server_port=${server.plainPort}`]
          : [`-server_port=${server.tlsPort}`, '-use_tls', '-use_test_ca', `-ca_file=${server.caFile}`]),
      ]
      for (const name of cases) {
        await report.check(`${transport}: ${name}`, async () => {
          await must(goTool('client'), [`-test_case=${name}`, ...flags], { timeoutMs: 30_000 })
        })
      }
    }
  },
}

interface Server extends AsyncDisposable {
  readonly plainPort: number
  readonly tlsPort: number
  readonly caFile: string
}

function startThroughGateway(scratch: string): Promise<Server> {
  const service = customService('interop', {
    command: [goTool('server'), '-port={{.Port}}'],
    speaks: 'h2c',
  })
  // The client cannot be told another authority than the address that it connects to.
  return startGateway([service], { scratch, domainTemplate: '127.0.0.1' })
}

async function startServers(scratch: string): Promise<Server> {
  const { ca, server } = makeCertificates(join(scratch, 'certificates'))
  const plainPort = await freePort()
  const tlsPort = await freePort()
  await using started = new AsyncDisposableStack()
  started.use(await Peer.start(goTool('server'), [`-port=${plainPort}`], { ports: [plainPort] }))
  const files = [`-tls_cert_file=${server.certFile}`, `-tls_key_file=${server.keyFile}`]
  started.use(
    await Peer.start(goTool('server'), [`-port=${tlsPort}`, '-use_tls', ...files], { ports: [tlsPort] }),
  )
  const both = started.move()
  return { plainPort, tlsPort, caFile: ca.certFile, [Symbol.asyncDispose]: () => both.disposeAsync() }
}
