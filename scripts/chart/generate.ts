import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generatedFiles } from './files.ts'
import { plainFile } from './plain.ts'

/**
 * `npm run generate`: writes what of the chart is made from the schemas and the catalogue, and with helm, whose path is in
 * HELM or which is on PATH, the plain file for `kubectl apply`.
 */
const root = fileURLToPath(new URL('../..', import.meta.url))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
  console.log(path)
}

for (const [path, text] of Object.entries(generatedFiles())) write(path, text)

const helm = process.env['HELM'] ?? 'helm'
if (spawnSync(helm, ['version']).status === 0) {
  write('charts/dist/pilotlight.yaml', plainFile(helm, join(root, 'charts/pilotlight')))
} else {
  console.log('charts/dist/pilotlight.yaml was left as it is: no helm on PATH, and none named by HELM')
}
