import { mkdtempDisposableSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TestNamespace, testbed } from './cluster.ts'
import { deployment, FOR_EVER, pod, script, server } from './manifests.ts'

/** What the rest of the suite takes for granted of a kubelet, so that ours and the real one are known to agree. */
describe.skipIf(testbed === undefined)('the kubelet of the test bed', () => {
  it('runs init containers in order and gives containers what their pod says', async () => {
    await using namespace = await TestNamespace.make('kubelet-environment')
    const settings = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings' },
      data: { 'a.txt': 'from a file' },
    }
    const secrets = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'secrets' },
      stringData: { key: 'from a secret' },
    }
    const work = { volumeMounts: [{ name: 'work', mountPath: '/work-folder' }] }
    const main = script(
      'main',
      [
        'echo "$SECRET; $(read line < /settings/a.txt; echo $line); $NODE_AND_POD; $PWD" > /dev/termination-log',
        'while read -r line; do echo "$line"; done < /work-folder/order >> /dev/termination-log',
        'read -r token < /var/run/secrets/kubernetes.io/serviceaccount/token || [ -n "$token" ]',
        '[ "$KUBERNETES_SERVICE_HOST" = 10.96.0.1 ]',
      ].join(' && '),
      {
        workingDir: '/some/where',
        env: [
          { name: 'SECRET', valueFrom: { secretKeyRef: { name: 'secrets', key: 'key' } } },
          { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'NODE_AND_POD', value: 'pod $(POD) not $$(POD)' },
        ],
        volumeMounts: [
          { name: 'work', mountPath: '/work-folder', readOnly: true },
          { name: 'settings', mountPath: '/settings' },
        ],
      },
    )
    await namespace.apply(
      settings,
      secrets,
      pod('reader', {
        restartPolicy: 'Never',
        initContainers: [
          script('first', 'sleep 0.3; echo first >> /work-folder/order', work),
          script('second', 'echo second >> /work-folder/order', work),
        ],
        containers: [main],
        volumes: [
          { name: 'work', emptyDir: {} },
          { name: 'settings', configMap: { name: 'settings' } },
        ],
      }),
    )
    await namespace.waitFor('jsonpath={.status.containerStatuses[0].state.terminated}', 'pod/reader')
    const message = await namespace.field(
      'pod/reader',
      '.status.containerStatuses[0].state.terminated.message',
    )
    expect(message.trim().split('\n')).toEqual([
      'from a secret; from a file; pod reader not $(POD); /some/where',
      'first',
      'second',
    ])
    await namespace.waitFor('jsonpath={.status.phase}=Succeeded', 'pod/reader')
  })

  it('starts a container again that ends or that its liveness probe gives up, and says why', async () => {
    await using namespace = await TestNamespace.make('kubelet-restarts')
    const alive = {
      exec: { command: ['/bin/sh', '-c', '[ ! -e /tmp/dead ]'] },
      periodSeconds: 1,
      failureThreshold: 1,
    }
    await namespace.apply(
      pod('crashing', {
        containers: [script('main', 'echo no model >&2; echo broken > /dev/termination-log; exit 7')],
      }),
      pod('dying', {
        containers: [script('main', `sleep 0.5; echo > /tmp/dead; ${FOR_EVER}`, { livenessProbe: alive })],
      }),
    )
    const first = '.status.containerStatuses[0]'
    await namespace.waitFor(`jsonpath={${first}.state.waiting.reason}=CrashLoopBackOff`, 'pod/crashing')
    expect(await namespace.field('pod/crashing', `${first}.lastState.terminated.exitCode`)).toBe('7')
    expect(await namespace.field('pod/crashing', `${first}.lastState.terminated.message`)).toBe('broken\n')
    await namespace.waitFor(`jsonpath={${first}.lastState.terminated}`, 'pod/dying')
    expect(Number(await namespace.field('pod/dying', `${first}.restartCount`))).toBeGreaterThan(0)
  })

  it('says that an image cannot be had, and runs the rest of the pod', async () => {
    await using namespace = await TestNamespace.make('kubelet-images')
    const unknown = {
      ...script('unknown', 'exit 0'),
      image: 'testbed/there-is-none:1',
      imagePullPolicy: 'IfNotPresent',
    }
    await namespace.apply(pod('half', { containers: [server(), unknown] }))
    const waiting = '.status.containerStatuses[?(@.name=="unknown")].state.waiting.reason'
    await namespace.waitFor(`jsonpath={${waiting}}=ImagePullBackOff`, 'pod/half', 90)
    await namespace.waitFor(
      'jsonpath={.status.containerStatuses[?(@.name=="server")].ready}=true',
      'pod/half',
    )
    expect(await namespace.field('pod/half', '.status.phase')).toBe('Pending')
  })

  it('asks the other probes only after the startup probe has succeeded', async () => {
    await using namespace = await TestNamespace.make('kubelet-probes')
    const isThere = (file: string): object => ({
      exec: { command: ['/bin/sh', '-c', `[ -e ${file} ]`] },
      periodSeconds: 1,
    })
    const changing = script('main', `sleep 1; : > /tmp/started; ${FOR_EVER}`, {
      startupProbe: { ...isThere('/tmp/started'), failureThreshold: 30 },
      livenessProbe: { ...isThere('/tmp/started'), failureThreshold: 1 },
      readinessProbe: { ...isThere('/tmp/ready'), failureThreshold: 1 },
      lifecycle: { postStart: { exec: { command: ['/bin/sh', '-c', ': > /tmp/ready'] } } },
    })
    await namespace.apply(pod('changing', { containers: [changing] }))
    await namespace.waitFor('condition=Ready', 'pod/changing')
    expect(await namespace.field('pod/changing', '.status.containerStatuses[0].restartCount')).toBe('0')
  })

  it('runs preStop before it tells the container to end, and a sidecar longer than the others', async () => {
    await using namespace = await TestNamespace.make('kubelet-order')
    const shared = { volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }
    const note = (word: string): string => `echo ${word} >> /shared/order`
    const sidecar = script('sidecar', `trap '${note('sidecar')}; exit 0' TERM; ${FOR_EVER}`, {
      ...shared,
      restartPolicy: 'Always',
    })
    const main = script('main', `trap '${note('main')}; exit 0' TERM; ${FOR_EVER}`, {
      ...shared,
      lifecycle: { preStop: { exec: { command: ['/bin/sh', '-c', `sleep 0.3; ${note('hook')}`] } } },
    })
    using folder = mkdtempDisposableSync(join(tmpdir(), 'pilotlight-order-'))
    const volumes = [{ name: 'shared', hostPath: { path: folder.path } }]
    const spec = { volumes, terminationGracePeriodSeconds: 20 }
    await namespace.apply(pod('orderly', { ...spec, initContainers: [sidecar], containers: [main] }))
    await namespace.waitFor('condition=Ready', 'pod/orderly')
    await namespace.kubectl('delete', 'pod', 'orderly', '--wait=true')
    expect(readFileSync(join(folder.path, 'order'), 'utf8')).toBe('hook\nmain\nsidecar\n')
  })

  it('lets pods reach Services by name, at the port of the Service', async () => {
    await using namespace = await TestNamespace.make('kubelet-services')
    const service = (name: string, spec: object): object => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
    })
    await namespace.apply(
      deployment('web', 2),
      service('web', {}),
      service('headless', { clusterIP: 'None' }),
      service('nobody', { selector: { app: 'nobody' } }),
    )
    await namespace.waitFor('jsonpath={.status.readyReplicas}=2', 'deployment/web')
    const client = `
      const { writeFileSync } = require('node:fs')
      const { resolve4 } = require('node:dns/promises')
      const ask = (url) => fetch(url, { headers: { connection: 'close' } }).then((r) => r.text(), (e) => e.cause.code)
      const run = async () => {
        const answers = new Set([await ask('http://web')])
        // Which pod answers is chance, and an endpoint may be late.
        for (let asked = 0; asked < 500 && answers.size < 2; asked += 1) {
          answers.add(await ask('http://web.${namespace.name}.svc.cluster.local'))
        }
        const headless = await resolve4('headless.${namespace.name}.svc.cluster.local')
        const missing = await resolve4('missing.${namespace.name}.svc.cluster.local').catch((e) => e.code)
        const nobody = await ask('http://nobody')
        writeFileSync('/dev/termination-log', JSON.stringify({ answers: [...answers], headless, missing, nobody }))
      }
      run()`
    const command = [process.execPath, '-e', client]
    await namespace.apply(
      pod('client', { restartPolicy: 'Never', containers: [script('main', '', { command })] }),
    )
    await namespace.waitFor('jsonpath={.status.phase}=Succeeded', 'pod/client')
    const message = await namespace.field(
      'pod/client',
      '.status.containerStatuses[0].state.terminated.message',
    )
    const pods = await namespace.field(
      'pod --selector app=web',
      'range .items[*]}{.metadata.name}{"\\n"} {.status.podIP} {end',
    )
    const [first, firstAddress, second, secondAddress] = pods.trim().split(/(?<=\n) | /)
    const heard: { answers: string[]; headless: string[]; missing: string; nobody: string } =
      JSON.parse(message)
    expect(new Set(heard.answers)).toEqual(new Set([first, second]))
    expect(new Set(heard.headless)).toEqual(new Set([firstAddress, secondAddress]))
    expect(heard.missing).toBe('ENOTFOUND')
    expect(heard.nobody).toMatch(/ECONNRESET|ECONNREFUSED|UND_ERR_SOCKET/)
  })
})
