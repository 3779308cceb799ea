import { describe, expect, it } from 'vitest'
import { bareCodeOf, importsOf, productFiles } from './repository.ts'

const CORE = 'src/core'

/** Who may import whom, as in docs/architecture.md. A folder may always import itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  [CORE]: [],
  router: [CORE],
  activator: [CORE],
  autoscaler: [CORE],
  'src/kserve': [CORE],
  'src/readiness': [CORE],
  'src/local': [CORE, 'src/readiness', 'src/signals'],
  'src/kubernetes': [CORE, 'src/kserve', 'src/readiness', 'src/signals'],
  'src/sources': [CORE, 'src/signals'],
  'src/bus': [CORE],
  'src/telemetry': [CORE],
  'src/signals': [CORE],
  'src/gateway': [CORE, 'router', 'activator'],
  'src/control': [CORE, 'router', 'autoscaler', 'src/kserve', 'src/signals'],
  'src/admin': [
    CORE,
    'router',
    'activator',
    'autoscaler',
    'src/kserve',
    'src/local',
    'src/kubernetes',
    'src/bus',
    'src/telemetry',
    'src/signals',
    'src/sources',
    'src/gateway',
    'src/control',
  ],
  'src/cli': [
    CORE,
    'router',
    'activator',
    'autoscaler',
    'src/kserve',
    'src/local',
    'src/kubernetes',
    'src/bus',
    'src/telemetry',
    'src/signals',
    'src/sources',
    'src/gateway',
    'src/control',
    'src/admin',
  ],
}

/** These run whole in simulation, so they open no socket, file or process. */
const PURE = [CORE, 'router', 'activator', 'autoscaler', 'src/kserve', 'src/signals']
const PURE_MODULES = new Set(['node:assert', 'node:crypto', 'node:path', 'node:url', 'node:util'])
const WORLD = /(?<![.\w])(?:fetch|WebSocket|EventSource)\s*\(|(?<![.\w])process\./

function layerOf(path: string): string | undefined {
  return Object.keys(MAY_IMPORT).find((folder) => path.startsWith(`${folder}/`))
}

function isOurs(specifier: string): boolean {
  return specifier.endsWith('.ts')
}

describe('layers', () => {
  const files = productFiles()

  it('sees the product', () => {
    expect(files).toContain('activator/revision-activator.ts')
    expect(importsOf('activator/revision-activator.ts')).toContain('src/core/refusals.ts')
  })

  it('has a place for every file', () => {
    const homeless = files.filter((path) => layerOf(path) === undefined)
    expect(homeless, 'give the folder a line in MAY_IMPORT and the architecture, or move it').toEqual([])
  })

  it('imports only downwards', () => {
    const wrong = files.flatMap((path) => {
      const layer = layerOf(path)
      if (layer === undefined) return []
      const allowed = [layer, ...(MAY_IMPORT[layer] ?? [])]
      return importsOf(path)
        .filter((target) => isOurs(target) && !allowed.some((folder) => target.startsWith(`${folder}/`)))
        .map(
          (target) =>
            `${path} imports ${target}; ${layer} may import ${allowed.join(', ')}: move what both need ` +
            `to src/core, or hand it in from src/control, src/gateway or src/cli`,
        )
    })
    expect(wrong).toEqual([])
  })

  it('opens nothing where it has to run in simulation', () => {
    const wrong = files
      .filter((path) => PURE.some((folder) => path.startsWith(`${folder}/`)))
      .flatMap((path) => {
        const modules = importsOf(path).filter(
          (target) => target.startsWith('node:') && !PURE_MODULES.has(target),
        )
        const advice = 'take an interface of src/core and let src/gateway, src/local or src/cli open it'
        const found = WORLD.exec(bareCodeOf(path))?.[0]
        return [
          ...modules.map((target) => `${path} imports ${target}: ${advice}`),
          ...(found === undefined ? [] : [`${path} uses ${found}: ${advice}`]),
        ]
      })
    expect(wrong).toEqual([])
  })
})
