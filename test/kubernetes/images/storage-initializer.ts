/** Takes the arguments of KServe's storage initializer, pairs of source and folder; every source is the iris model. */
import { cpSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const model = fileURLToPath(new URL('../../../examples/iris/model', import.meta.url))
const pairs = process.argv.slice(2)
for (let at = 0; at + 1 < pairs.length; at += 2) {
  const target = pairs[at + 1] ?? ''
  mkdirSync(target, { recursive: true })
  cpSync(model, target, { recursive: true })
  process.stdout.write(`${pairs[at]} is in ${target}\n`)
}
