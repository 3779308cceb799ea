import { parentPort, workerData } from 'node:worker_threads'
import { SharedThread } from '../../../activator/index.ts'
import { routeKey, SharedCursor } from '../../../router/index.ts'
import { SystemClock } from '../../core/clock.ts'
import { ConfigError } from '../../core/config.ts'
import { SystemRandom } from '../../core/random.ts'
import { ConnectionCount, type PublishedTables } from '../../gateway/index.ts'
import { pinoLog, ThreadMetrics } from '../../telemetry/index.ts'
import { Carrier } from './carrier.ts'
import type { FromThread, ThreadBirth, ToThread } from './messages.ts'

/** A thread that carries requests: what it is told and what it tells is in messages.ts. */

const port = parentPort
if (port === null) throw new Error('thread.ts is started as a worker thread by threads.ts')
const birth: ThreadBirth = workerData
const tell = (message: FromThread): void => port.postMessage(message)

const clock = new SystemClock()
const metrics = new ThreadMetrics()
const slots = new SharedThread(birth.slots, birth.number)
const over = new AbortController()
const hurry = new AbortController()
let cursors: ReadonlyMap<string, number> = new Map()
let tables: PublishedTables = { routes: [], revisions: [], replicas: [] }
const firstTables = Promise.withResolvers<void>()

try {
  const carrier = new Carrier({
    name: `gateway-${birth.number}`,
    config: birth.config,
    clock,
    log: pinoLog({ clock, ...birth.log }),
    metrics,
    random: new SystemRandom(),
    bus: {
      report: (reports) => tell({ kind: 'report', reports }),
      wake: (revision) => tell({ kind: 'wake', revision }),
    },
    shared: {
      slots,
      count: new ConnectionCount(birth.config.gateway, birth.connections, birth.number),
      routing: {
        cursorOf: (route) => {
          const index = cursors.get(routeKey(route))
          return index === undefined ? undefined : new SharedCursor(birth.cursors, index)
        },
      },
    },
  })
  port.on('message', (message: ToThread) => take(carrier, message))
  void slots.listen((revision) => carrier.activator.serve(revision), over.signal)
  void carrier.activator.run(over.signal)
  // One that takes the place of another would know no host until it has them.
  await firstTables.promise
  tell({ kind: 'listening', bound: await carrier.gateway.listen() })
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  tell({ kind: 'failed', message, isConfig: error instanceof ConfigError })
}

function take(carrier: Carrier, message: ToThread): void {
  switch (message.kind) {
    case 'tables':
      cursors = message.cursors ?? cursors
      tables = {
        routes: message.routes ?? tables.routes,
        revisions: message.revisions ?? tables.revisions,
        replicas: message.replicas,
      }
      slots.adopt(message.indexes, () => carrier.publish(tables))
      firstTables.resolve()
      break
    case 'dump':
      tell({ kind: 'dump', dump: metrics.dump(message.living) })
      break
    case 'drain':
      void carrier.gateway.drain(hurry.signal).then(() => tell({ kind: 'drained' }))
      break
    case 'hurry':
      hurry.abort()
      void carrier.gateway.close().then(() => tell({ kind: 'drained' }))
      break
  }
}
