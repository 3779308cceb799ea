import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { stringify } from 'yaml'
import { WebSocketServer } from 'ws'
import { AdminError, buildAdmin } from '../../admin/index.ts'
import { FakeControlPlane } from '../../admin/fake-control-plane.ts'
import { ManualClock } from '../../core/manual-clock.ts'
import { silentLog } from '../../core/telemetry.ts'
import { FakeApiServer } from '../../kubernetes/api/fake-api-server.ts'
import { KINDS, type ResourceKind } from '../../kubernetes/api/index.ts'

export const MORE_KINDS: readonly ResourceKind[] = [
  ['rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole', false],
  ['rbac.authorization.k8s.io', 'v1', 'clusterrolebindings', 'ClusterRoleBinding', false],
  ['rbac.authorization.k8s.io', 'v1', 'roles', 'Role', true],
  ['rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding', true],
  ['networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy', true],
  ['admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies', 'ValidatingAdmissionPolicy', false],
  [
    'admissionregistration.k8s.io',
    'v1',
    'validatingadmissionpolicybindings',
    'ValidatingAdmissionPolicyBinding',
    false,
  ],
  [
    'admissionregistration.k8s.io',
    'v1',
    'validatingwebhookconfigurations',
    'ValidatingWebhookConfiguration',
    false,
  ],
].map(([group, version, plural, kind, namespaced]) => ({
  group: String(group),
  version: String(version),
  plural: String(plural),
  kind: String(kind),
  namespaced: namespaced === true,
}))

/**
 * For tests: the fake API server with what it leaves to kubelets and other parts of a cluster (discovery, logs, tokens,
 * port-forwards), and behind the port-forward the real admin API over a fake control plane. A new one for each test.
 */
export class FakeCluster {
  plane = new FakeControlPlane()
  /** What the API server itself keeps. */
  api!: FakeApiServer
  kubeconfig = ''
  /** Whole answers by path, before anything else; a function gets the body. */
  readonly answers = new Map<string, unknown>()
  readonly logs = new Map<string, string>()
  /** `URL of the request: Authorization header` of all that came to the admin API. */
  readonly adminRequests: string[] = []
  /** Status of a refused port-forward; undefined: it works. */
  portForwardRefusal: number | undefined
  /** The `Warning` headers of whatever is written. */
  warnings: readonly string[] = []
  #folder = ''
  #admin: Awaited<ReturnType<typeof buildAdmin>> | undefined
  #adminPort = 0
  readonly #sockets = new Set<Duplex>()

  constructor() {
    let front: ReturnType<typeof createServer>
    beforeAll(async () => {
      this.#folder = await mkdtemp(join(tmpdir(), 'pilotlight-cluster-'))
      this.kubeconfig = join(this.#folder, 'kubeconfig')
    })
    afterAll(async () => rm(this.#folder, { recursive: true, force: true }))
    beforeEach(async () => {
      this.answers.clear()
      this.discover()
      this.logs.clear()
      this.adminRequests.length = 0
      this.portForwardRefusal = undefined
      this.warnings = []
      this.api = await FakeApiServer.start({ clock: new ManualClock(1_700_000_000_000), kinds: MORE_KINDS })
      await this.#startAdmin()
      front = createServer((request, response) => void this.#serve(request, response))
      front.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
        this.#forward(request, socket, head),
      )
      await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
      const address = front.address()
      await this.#writeKubeconfig(typeof address === 'object' ? (address?.port ?? 0) : 0)
    })
    afterEach(async () => {
      for (const socket of this.#sockets) socket.destroy()
      this.#sockets.clear()
      front.closeAllConnections()
      await new Promise((resolve) => front.close(resolve))
      await this.#admin?.close()
      await this.api[Symbol.asyncDispose]()
    })
  }

  /** What the API server says of the kinds that are none of ours. */
  discover(): void {
    for (const { group, version } of MORE_KINDS) {
      const resources = MORE_KINDS.filter((kind) => kind.group === group)
      this.answers.set(`/apis/${group}/${version}`, {
        resources: resources.map(({ plural, kind, namespaced }) => ({ name: plural, kind, namespaced })),
      })
    }
  }

  /** A ready pod of the controller. */
  addController(name = 'pilotlight-controller-a', over: { readonly isReady?: boolean } = {}): void {
    const { isReady = true } = over
    this.api.store.put(KINDS.pods, pod('pilotlight', name, isReady))
  }

  async #writeKubeconfig(port: number): Promise<void> {
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'token',
      clusters: [
        {
          name: 'fake',
          cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true },
        },
      ],
      users: [
        { name: 'token', user: { token: 'users-own' } },
        { name: 'basic', user: { username: 'someone', password: 'secret' } },
      ],
      contexts: [
        { name: 'token', context: { cluster: 'fake', user: 'token', namespace: 'ml' } },
        { name: 'no-token', context: { cluster: 'fake', user: 'basic' } },
      ],
    }
    await writeFile(this.kubeconfig, stringify(config))
  }

  async #startAdmin(): Promise<void> {
    this.plane = new FakeControlPlane()
    this.#admin = await buildAdmin({
      controlPlane: this.plane,
      manifests: this.plane,
      logs: this.plane,
      metrics: { contentType: 'text/plain', expose: async () => '' },
      clock: new ManualClock(),
      log: silentLog,
      version: '1.2.3',
      allowedHosts: ['*'],
      guard: async ({ url, headers }) => {
        this.adminRequests.push(`${url}: ${headers.authorization}`)
        if (headers.authorization === undefined) throw new AdminError('UNAUTHORIZED', 'no token')
      },
    })
    this.#adminPort = Number(new URL(await this.#admin.listen({ host: '127.0.0.1', port: 0 })).port)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://fake').pathname
    const log = /\/pods\/([^/]+)\/log$/.exec(path)?.[1]
    if (log !== undefined) {
      const text = this.logs.get(log)
      response
        .writeHead(text === undefined ? 400 : 200)
        .end(
          text ?? JSON.stringify({ kind: 'Status', message: 'the container is waiting to start', code: 400 }),
        )
      return
    }
    const given = this.answers.get(path)
    if (given !== undefined) {
      const chunks: Buffer[] = []
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
      const body: unknown =
        chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8'))
      const answer: unknown = typeof given === 'function' ? given(body) : given
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
      return
    }
    const { method, headers } = request
    const sent = httpRequest(`${this.api.url}${request.url ?? '/'}`, { method, headers }, (answer) => {
      if (method === 'PATCH' && this.warnings.length > 0) response.setHeader('warning', this.warnings)
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    sent.once('error', () => response.destroy())
    response.once('close', () => sent.destroy())
    request.pipe(sent)
  }

  /** As a kubelet: bytes with the number of their stream before them, and the port before the first of each. */
  #forward(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.portForwardRefusal !== undefined || !(request.url ?? '').includes('/portforward?ports=9090')) {
      socket.end(`HTTP/1.1 ${this.portForwardRefusal ?? 404} Refused\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    this.#sockets.add(socket)
    new WebSocketServer({ noServer: true, handleProtocols: () => 'v4.channel.k8s.io' }).handleUpgrade(
      request,
      socket,
      head,
      (webSocket) => {
        const port = Buffer.alloc(2)
        port.writeUInt16LE(9090)
        for (const stream of [0, 1]) webSocket.send(Buffer.concat([Buffer.from([stream]), port]))
        const tcp: Socket = connect(this.#adminPort, '127.0.0.1')
        this.#sockets.add(tcp)
        tcp.on('data', (chunk: Buffer) => webSocket.send(Buffer.concat([Buffer.from([0]), chunk])))
        tcp.once('close', () => webSocket.close())
        tcp.on('error', () => webSocket.close())
        webSocket.on('message', (data: Buffer) => tcp.write(data.subarray(1)))
        webSocket.once('close', () => tcp.destroy())
      },
    )
  }
}

export function pod(
  namespace: string,
  name: string,
  isReady: boolean,
  labels: Readonly<Record<string, string>> = CONTROLLER_LABELS,
) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels },
    spec: {
      serviceAccountName: 'pilotlight-controller',
      containers: [{ name: 'controller', ports: [{ name: 'admin', containerPort: 9090 }] }],
    },
    status: {
      phase: 'Running',
      podIP: '192.0.2.1',
      hostIP: '192.0.2.2',
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
    },
  }
}

const CONTROLLER_LABELS = {
  'app.kubernetes.io/name': 'pilotlight',
  'app.kubernetes.io/component': 'controller',
}
