import { rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { AutoscalerConfigError, readAutoscalerConfig } from '../../autoscaler/index.ts'
import { buildAdmin } from '../admin/index.ts'
import { MemoryBus } from '../bus/index.ts'
import { Controller } from '../control/controller.ts'
import { ObjectNotFound, type ReplicaLogs } from '../control/view.ts'
import { SystemClock } from '../core/clock.ts'
import { ConfigError } from '../core/config.ts'
import { SystemRandom } from '../core/random.ts'
import { pathPrefix, type UrlOptions } from '../kserve/index.ts'
import {
  detectGpus,
  FileHistory,
  LocalCluster,
  lockStateDir,
  ManifestFolder,
  NvidiaSmi,
  ProcessUsage,
  StateDirInUse,
} from '../local/index.ts'
import { RevisionSources } from '../sources/index.ts'
import { pinoLog, PromMetrics } from '../telemetry/index.ts'
import type { DataPlane } from './data-plane/data-plane.ts'
import { MainThreadDataPlane } from './data-plane/main-thread.ts'
import { ThreadsDataPlane } from './data-plane/threads.ts'
import { CliError } from './errors.ts'
import { LocalManifests } from './local-manifests.ts'
import { ADMIN_FILE, adminFileText } from './server-address.ts'
import { readUpConfig, type UpConfig } from './up-config.ts'
import { aborted, stopSignals, type StopSignals } from './stop-signals.ts'
import type { UpOptions } from './up-options.ts'
import { readVersion } from './version.ts'

/** `pilotlight up`: the gateway, the controller and a cluster of local processes in one process, until a signal. */
export async function up(options: UpOptions): Promise<void> {
  const stop = stopSignals()
  try {
    await serve(options, readUpConfig(options, process.cwd()), stop)
  } catch (error) {
    const isUsage =
      error instanceof ConfigError || error instanceof AutoscalerConfigError || error instanceof StateDirInUse
    if (isUsage) throw new CliError('failed', error.message)
    throw error
  }
}

async function serve(
  options: UpOptions,
  { config, configDir, stateDir }: UpConfig,
  stop: StopSignals,
): Promise<void> {
  const clock = new SystemClock()
  const random = new SystemRandom()
  const isTty = process.stderr.isTTY
  const logging = { level: options.logLevel ?? 'info', pretty: isTty, colour: isTty }
  const log = pinoLog({ clock, ...logging })
  const autoscaler = readAutoscalerConfig(config.autoscaler)
  // Replicas whose command is `node` run on the Node that runs us.
  process.env['PATH'] = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`

  await using cleanUp = new AsyncDisposableStack()
  cleanUp.use(lockStateDir(stateDir))
  const bus = new MemoryBus(log)
  const metrics: PromMetrics = new PromMetrics(() => controller.snapshot(), {
    dumps: async () =>
      plane instanceof ThreadsDataPlane
        ? plane.dumps(new Set(controller.snapshot().revisions.map(({ name }) => name)))
        : [],
  })
  // Before the manifests are read: their URLs name the port.
  const opening: Promise<DataPlane> =
    config.gateway.workers > 1
      ? ThreadsDataPlane.open({ config, clock, log, logging, bus, onLost: (dump) => metrics.absorb(dump) })
      : MainThreadDataPlane.open({ name: 'gateway', config, clock, log, metrics, random, bus })
  const plane: DataPlane = await opening.catch((error: unknown) => {
    throw error instanceof ConfigError ? error : new CliError('failed', messageOf(error))
  })
  const { bound } = plane
  cleanUp.defer(() => plane.close())
  const urls: UrlOptions = { ...config.ingress, publicPort: bound.port }

  const folder = cleanUp.use(
    await ManifestFolder.open({ clock, log, paths: options.paths, stateDir, baseDir: process.cwd() }),
  )
  const manifests = new LocalManifests(folder, {
    autoscaler,
    // By address and path: a name below .localhost is not resolved everywhere.
    predictorHost: (namespace, component) =>
      `127.0.0.1:${bound.port}${pathPrefix(urls, component, namespace) ?? ''}`,
  })
  const cluster = cleanUp.use(
    await LocalCluster.open({
      clock,
      log,
      config: { ...config, local: { ...config.local, stateDir } },
      configDir,
      load: plane,
      source: folder.source((files, metadata) => manifests.desired(files, metadata)),
      gpus: await detectGpus(config),
      random,
    }),
  )
  const sources = cleanUp.use(
    await RevisionSources.open({
      clock,
      random,
      log,
      config: config.metrics,
      usage: new ProcessUsage(clock),
      gpus: new NvidiaSmi({ clock }),
    }),
  )
  const files = new FileHistory(join(stateDir, 'history'), log)
  const controller: Controller = new Controller({
    clock,
    cluster,
    bus,
    log,
    sources,
    metrics,
    store: {
      load: () => files.load(),
      save: (service, kept) => files.save(service, kept?.result.history),
    },
    autoscaler,
    progressDeadlineMs: config.revisions.progressDeadlineMs,
    reconcile: { strict: false, keep: config.revisions.keep, urls },
    publish: (published) => plane.publish(published),
  })

  const loops = new AbortController()
  cleanUp.use(bus.joinGateway(plane.member))
  const running = controller.run(loops.signal)
  cleanUp.defer(async () => {
    loops.abort()
    await running
  })

  const admin = await buildAdmin({
    controlPlane: controller,
    manifests,
    logs: logsOf(cluster),
    metrics,
    clock,
    log,
    version: readVersion(),
    unready: () => (stop.first.aborted ? 'the gateway is stopping' : undefined),
    allowedHosts: [config.admin.host],
  })
  cleanUp.defer(() => admin.close())
  const adminUrl = await admin
    .listen({ host: config.admin.host, port: config.admin.port })
    .catch((error: Error) => {
      throw new CliError(
        'failed',
        `admin: cannot listen on ${config.admin.host}:${config.admin.port}: ${error.message}`,
      )
    })
  const adminFile = join(stateDir, ADMIN_FILE)
  writeFileSync(adminFile, adminFileText(adminUrl))
  cleanUp.defer(() => rmSync(adminFile, { force: true }))

  await Promise.race([controller.whenReady, running])
  const gatewayUrl = `${config.ingress.urlScheme}://${config.ingress.ingressDomain}:${bound.port}`
  process.stdout.write(`Pilotlight is ready: gateway ${gatewayUrl}, admin ${adminUrl}\n`)

  await Promise.race([aborted(stop.first), running])
  log.info({}, 'stopping: requests under way are finished; a second signal ends them')
  await plane.drain(stop.second)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function logsOf(cluster: LocalCluster): ReplicaLogs {
  return {
    read(replica, options, signal) {
      if (!cluster.logs.has(replica)) throw new ObjectNotFound(`replica "${replica}" not found`)
      return cluster.logs.read(replica, options, signal)
    },
  }
}
