/** Takes the arguments of KServe's sklearnserver, and serves the iris model of the examples: V1 and V2. */
import { parseArgs } from 'node:util'
import { asPort, serve } from '../../../examples/http-server.ts'
import { loadModel } from '../../../examples/iris/model.ts'
import { protocols } from '../../../examples/iris/protocols.ts'

const { values } = parseArgs({
  // KServe's runtimes pass more than we read.
  strict: false,
  options: {
    http_port: { type: 'string', default: '8080' },
    model_dir: { type: 'string', default: '/mnt/models' },
    model_name: { type: 'string', default: 'model' },
  },
})
const model = await loadModel(String(values['model_dir']))
const handler = protocols(String(values['model_name']), model)
await serve(asPort(String(values['http_port']), '--http_port'), handler, '0.0.0.0')
