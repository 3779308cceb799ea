import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { SystemClock } from '../../../../src/core/clock.ts'
import { Api } from '../api.ts'
import { follow } from '../follow.ts'
import { CLUSTER_DOMAIN, DNS_ADDRESS } from '../network.ts'
import { Pki } from '../pki.ts'
import { layoutOf } from '../state.ts'
import { Directory, type ServiceObject, type SliceObject } from './directory.ts'
import { answer } from './dns.ts'
import { ServiceProxy } from './proxy.ts'

/** `main.ts STATE_DIR`, inside the bed's network: names and addresses of Services, for pods of either kubelet. */
const SUFFIX = `.svc.${CLUSTER_DOMAIN}`
const DNS_PORT = 53
const clock = new SystemClock()
const directory = new Directory()
const proxy = new ServiceProxy(directory)

function resolve(name: string): readonly string[] | undefined {
  return name.endsWith(SUFFIX) ? directory.resolve(name.slice(0, -SUFFIX.length).split('.')) : undefined
}

process.once('SIGTERM', () => process.exit(0))

const datagrams = createSocket('udp4')
datagrams.on('message', (message, { address, port }) => {
  const reply = answer(message, resolve)
  if (reply !== undefined) datagrams.send(reply, port, address)
})
datagrams.bind(DNS_PORT, DNS_ADDRESS)

// Some resolvers ask over TCP, where each message comes after its length.
createServer((socket) => {
  let received = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const length = received.readUInt16BE(0)
      const reply = answer(received.subarray(2, 2 + length), resolve)
      received = received.subarray(2 + length)
      if (reply === undefined) continue
      const size = Buffer.alloc(2)
      size.writeUInt16BE(reply.length)
      socket.write(Buffer.concat([size, reply]))
    }
  })
}).listen(DNS_PORT, DNS_ADDRESS)

const api = new Api(new Pki(layoutOf(process.argv[2]).pki).client('services'))
const gone = (uid: string): void => {
  directory.gone(uid)
  proxy.update()
}
await Promise.all([
  follow<ServiceObject>(api, {
    path: '/api/v1/services',
    clock,
    listener: {
      seen: (service) => {
        directory.seenService(service)
        proxy.update()
      },
      gone,
    },
  }),
  follow<SliceObject>(api, {
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    clock,
    listener: { seen: (slice) => directory.seenSlice(slice), gone },
  }),
])
