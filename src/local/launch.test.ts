import { describe, expect, it } from 'vitest'
import type { ReplicaTemplate } from '../core/revision.ts'
import { launchOf, type Placement } from './launch.ts'

const template = (parts: Partial<ReplicaTemplate>): ReplicaTemplate => ({
  command: ['serve'],
  args: [],
  env: [],
  ports: [],
  requests: {},
  limits: {},
  storage: [{ uri: 'gs://models/iris', mountPath: '/mnt/models' }],
  podSpec: {},
  ...parts,
})
const placement: Placement = { port: 4711, modelDirs: ['/data/iris'] }
const launch = (parts: Partial<ReplicaTemplate>, placed: Partial<Placement> = {}, inherited = {}) =>
  launchOf(template(parts), { ...placement, ...placed }, inherited)

describe('placeholders', () => {
  it('stand in command, args, env and workingDir', () => {
    const made = launch({
      command: ['{{.ModelDir}}/serve', '-p{{ .Port }}'],
      args: ['--port={{.Port}}', '{{  .ModelDir  }}'],
      env: [{ name: 'URL', value: 'http://localhost:{{.Port}}/' }],
      workingDir: '{{.ModelDir}}',
      baseDir: '/manifests',
    })
    expect(made).toEqual({
      file: '/data/iris/serve',
      args: ['-p4711', '--port=4711', '/data/iris'],
      env: { PORT: '4711', URL: 'http://localhost:4711/' },
      cwd: '/data/iris',
    })
  })

  it('name a second port where the template asks for one', () => {
    const parts = { args: ['--grpc={{.GrpcPort}}', '{{ .GrpcPort }}/{{.Port}}'] }
    expect(launch(parts, { grpcPort: 4712 }).args).toEqual(['--grpc=4712', '4712/4711'])
  })

  it('are left alone where they are not ours', () => {
    expect(launch({ args: ['{{.Name}}', '{{Port}}'] }).args).toEqual(['{{.Name}}', '{{Port}}'])
  })

  it('need a model where they name its folder', () => {
    expect(() => launch({ args: ['{{.ModelDir}}'], storage: [] }, { modelDirs: [] })).toThrow(
      'args: {{.ModelDir}} is used and the service has no storageUri',
    )
  })
})

describe('mount paths', () => {
  it.each([
    ['/mnt/models', '/data/iris'],
    ['--dir=/mnt/models/1', '--dir=/data/iris/1'],
    ['file:///mnt/models', 'file:///data/iris'],
    ['/mnt/models:/x', '/data/iris:/x'],
    ['/mnt/models-2', '/mnt/models-2'],
    ['/data/mnt/models', '/data/mnt/models'],
  ])('%s becomes %s', (arg, expected) => {
    expect(launch({ args: [arg] }).args).toEqual([expected])
  })

  it('are told apart, the longest first', () => {
    const storage = [
      { uri: 'a', mountPath: '/mnt/models' },
      { uri: 'b', mountPath: '/mnt/models/lora' },
    ]
    const made = launch(
      { storage, args: ['/mnt/models/lora/x', '/mnt/models/y'] },
      { modelDirs: ['/a', '/b'] },
    )
    expect(made.args).toEqual(['/b/x', '/a/y'])
  })
})

describe('CUDA_VISIBLE_DEVICES', () => {
  const own = [{ name: 'CUDA_VISIBLE_DEVICES', value: '7' }]
  const inherited = { CUDA_VISIBLE_DEVICES: '5' }
  it.each([
    ['names the GPUs that it was given, whatever its manifest says', { env: own }, ['0', '2'], '0,2'],
    ['is empty for one that asked for none', {}, [], ''],
    ['is that of its manifest for one that asked for none', { env: own }, [], '7'],
    ['is left alone where GPUs are not handed out', {}, undefined, '5'],
  ])('%s', (_what, parts, gpuIds, expected) => {
    const made = launch(parts, gpuIds === undefined ? {} : { gpuIds }, inherited)
    expect(made.env['CUDA_VISIBLE_DEVICES']).toBe(expected)
  })
})

it('starts in the folder of the manifest', () => {
  expect(launch({ baseDir: '/manifests', workingDir: 'server' }).cwd).toBe('/manifests/server')
  expect(launch({ baseDir: '/manifests' }).cwd).toBe('/manifests')
})

it('says who has no command', () => {
  const runtime = { kind: 'ClusterServingRuntime', name: 'kserve-sklearnserver' } as const
  expect(() => launch({ command: [], runtime, image: 'kserve/sklearnserver:v0.16' })).toThrow(
    'ClusterServingRuntime kserve-sklearnserver has an image (kserve/sklearnserver:v0.16) and no command',
  )
})
