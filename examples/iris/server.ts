/**
 * A model server for the iris example: `node server.ts --port=8080 --model-dir=./model --model-name=sklearn-iris`.
 * It listens once the model is loaded, so whoever gets a connection gets an answer.
 */
import { parseArgs } from 'node:util'
import { asPort, serve } from '../http-server.ts'
import { loadModel } from './model.ts'
import { protocols } from './protocols.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8080' },
    'model-dir': { type: 'string', default: 'model' },
    'model-name': { type: 'string', default: 'sklearn-iris' },
  },
})
const model = await loadModel(values['model-dir'])
await serve(asPort(values.port, '--port'), protocols(values['model-name'], model))
