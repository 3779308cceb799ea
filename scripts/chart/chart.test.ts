import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { configSchema, readConfig } from '../../src/core/config.ts'
import { program } from '../../src/cli/program.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { catalogue } from '../../src/kserve/index.ts'
import { crds } from './crds.ts'
import { generatedFiles } from './files.ts'
import { values, valuesSchema } from './values.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const chart = join(root, 'charts/pilotlight')

type Tree = Readonly<Record<string, unknown>>

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (isTree(inner) ? inner[key] : undefined), value)
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

const templates = filesUnder(join(chart, 'templates')).map((path) => readFileSync(path, 'utf8'))
const defaults: unknown = parse(readFileSync(join(chart, 'values.yaml'), 'utf8'))
const plain = parseAllDocuments(readFileSync(join(root, 'charts/dist/pilotlight.yaml'), 'utf8'))
  .map((document): unknown => document.toJS())
  .filter(isTree)

describe('what is generated', () => {
  it.each(Object.entries(generatedFiles()))('%s is in step', (path, text) => {
    expect(
      existsSync(join(root, path)) && readFileSync(join(root, path), 'utf8') === text,
      'npm run generate',
    ).toBe(true)
  })

  it('leaves no file of a kind that is no longer there', () => {
    const folder = join(chart, 'files')
    const generated = new Set(Object.keys(generatedFiles()).map((path) => join(root, path)))
    expect(filesUnder(folder).filter((path) => !generated.has(path))).toEqual([])
  })
})

describe('the CRDs', () => {
  const schemas = crds().map((crd): [string, unknown] => [
    crd.metadata.name,
    z.array(z.unknown()).parse(at(crd, 'spec.versions'))[0],
  ])

  /** Everything in a schema that the API server would refuse, or that lets anything pass. */
  function faults(schema: unknown, path: string): string[] {
    if (!isTree(schema)) return [`${path}: no schema`]
    const { type, properties, items, additionalProperties } = schema
    const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true
    const isIntOrString = schema['x-kubernetes-int-or-string'] === true
    const unknown = Object.keys(schema).filter((key) =>
      ['$ref', 'anyOf', 'oneOf', 'allOf', 'const', 'default'].includes(key),
    )
    return [
      ...unknown.map((key) => `${path}: has ${key}`),
      ...(typeof type === 'string' || isIntOrString || isOpen ? [] : [`${path}: no type`]),
      ...(properties !== undefined && (additionalProperties !== undefined || isOpen)
        ? [`${path}: properties, and room for others`]
        : []),
      ...(type === 'object' &&
      properties === undefined &&
      additionalProperties === undefined &&
      !isOpen &&
      !path.endsWith('.metadata')
        ? [`${path}: an object without fields`]
        : []),
      ...(isTree(properties)
        ? Object.entries(properties).flatMap(([key, inner]) => faults(inner, `${path}.${key}`))
        : []),
      ...(type === 'array' ? faults(items, `${path}[]`) : []),
      ...(additionalProperties === undefined ? [] : faults(additionalProperties, `${path}.*`)),
    ]
  }

  it.each(schemas)('%s has a structural schema', (_, version) => {
    expect(faults(at(version, 'schema.openAPIV3Schema'), '')).toEqual([])
  })

  it('know fields by name down to containers, and pass on what only pods know', () => {
    const service = at(schemas[0]?.[1], 'schema.openAPIV3Schema.properties.spec.properties')
    expect(at(service, 'predictor.properties.minReplicas')).toMatchObject({ type: 'integer' })
    expect(at(service, 'predictor.properties.model.properties.storageUri')).toMatchObject({ type: 'string' })
    expect(at(service, 'predictor.properties.model.properties.resources.properties.limits')).toEqual({
      type: 'object',
      additionalProperties: { 'x-kubernetes-preserve-unknown-fields': true },
    })
    expect(at(service, 'predictor.properties.affinity')).toEqual({
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
    })
    // `kubectl` says then: unknown field "spec.nodeName".
    expect(at(service, 'nodeName')).toBeUndefined()
  })

  it('fit into the annotation in which `kubectl apply` keeps what it applied', () => {
    const sizes = crds().map((crd) => JSON.stringify(crd).length)
    expect(Math.max(...sizes)).toBeLessThan(256 * 1024)
  })
})

describe('the values', () => {
  it('have a default each, which the schema allows', () => {
    const { config, ...others } = z.looseObject({ config: z.unknown() }).parse(defaults)
    expect(values.safeParse(others).error?.issues).toBeUndefined()
    expect(configSchema.safeParse(config).success).toBe(true)
  })

  it('are refused where a name is misspelt, also within the configuration', () => {
    const schema = z.fromJSONSchema(z.record(z.string(), z.any()).parse(valuesSchema()))
    const withField = (path: readonly string[], value: unknown): unknown => {
      const copy: unknown = structuredClone(defaults)
      const holder = path.slice(0, -1).reduce<unknown>((inner, key) => at(inner, key), copy)
      if (isTree(holder)) Object.assign(holder, { [path.at(-1) ?? '']: value })
      return copy
    }
    expect(schema.safeParse(defaults).error?.issues).toBeUndefined()
    expect(schema.safeParse(withField(['gatway'], {})).success).toBe(false)
    expect(schema.safeParse(withField(['gateway', 'replicaCount'], 2)).success).toBe(false)
    expect(schema.safeParse(withField(['mode'], 'beside')).success).toBe(false)
    expect(schema.safeParse(withField(['config'], { queue: { depth: 1 } })).success).toBe(false)
    expect(schema.safeParse(withField(['config'], { queue: { depthMax: 1 } })).success).toBe(true)
  })

  it('are all used, and all that is used is there', () => {
    const used = new Set(
      templates.flatMap((text) => [...text.matchAll(/\.Values\.([\w.]+)/g)].map(([, path = '']) => path)),
    )
    expect([...used].filter((path) => at(defaults, path) === undefined)).toEqual([])
    const sections = isTree(defaults) ? Object.keys(defaults) : []
    const isUsed = (name: string): boolean =>
      [...used].some((path) => path === name || path.startsWith(`${name}.`))
    expect(sections.filter((name) => !isUsed(name))).toEqual([])
  })
})

describe('what the pods are started with', () => {
  const helpers = readFileSync(join(chart, 'templates/_helpers.tpl'), 'utf8')
  const config = plain.find(
    (object) => object['kind'] === 'ConfigMap' && at(object, 'metadata.name') === 'pilotlight',
  )

  it('is a configuration that is read', () => {
    const text = isTree(config?.['data']) ? config['data']['pilotlight.yaml'] : undefined
    const read = readConfig(parse(String(text)), 'charts/dist/pilotlight.yaml')
    // A pod is reached from outside.
    expect(read).toMatchObject({ gateway: { host: '0.0.0.0' }, admin: { host: '0.0.0.0', port: 9090 } })
    expect(read.kubernetes.gatewayService).toBe('pilotlight-gateway')
  })

  it('names only fields that exist, those that some values add included', () => {
    const known = z.toJSONSchema(configSchema, { io: 'input' })
    const block = /define "pilotlight\.config"([\s\S]*?)mergeOverwrite/.exec(helpers)?.[1] ?? ''
    const named = [
      ...[...block.matchAll(/set \$(gateway|kubernetes|tls) "(\w+)"/g)].map(([, section = '', field = '']) =>
        section === 'tls' ? `gateway.tls.${field}` : `${section}.${field}`,
      ),
      ...[...block.matchAll(/"(certFile|keyFile)"/g)].map(([, field = '']) => `gateway.tls.${field}`),
    ]
    expect(named).toContain('kubernetes.gatewayApi')
    expect(named).toContain('gateway.tls.clientCaFile')
    const path = (field: string): string => `properties.${field.replaceAll('.', '.properties.')}`
    expect(named.filter((field) => at(known, path(field)) === undefined)).toEqual([])
  })

  it('names only commands and options that exist', () => {
    const unused = (): never => {
      throw new Error('no command is run here')
    }
    const cli = program(
      {
        out: unused,
        err: unused,
        readStdin: unused,
        errIsTty: false,
        env: {},
        cwd: root,
        clock: new ManualClock(),
        signal: new AbortController().signal,
      },
      '0.0.0',
      { up: unused, explainFiles: unused, cluster: { gateway: unused, controller: unused, single: unused } },
    )
    const lines = templates.flatMap((text) =>
      [...text.matchAll(/args: \[(\w+), (.*)\]/g)].map(([, name = '', rest = '']) => ({ name, rest })),
    )
    expect(lines.map(({ name }) => name).toSorted()).toEqual(['controller', 'gateway', 'single'])
    const wrong = lines.flatMap(({ name, rest }) => {
      const options = cli.commands.find((command) => command.name() === name)?.options ?? []
      const known = new Set(options.map(({ long }) => long))
      return [...rest.matchAll(/--[\w-]+/g)]
        .filter(([option]) => !known.has(option))
        .map(([option]) => `${name} ${option}`)
    })
    expect(wrong).toEqual([])
  })
})

describe('the runtimes', () => {
  const objects = plain.find((object) => at(object, 'metadata.name') === 'pilotlight-objects')
  const shipped = Object.values(isTree(objects?.['data']) ? objects['data'] : {}).map((text): unknown =>
    parse(String(text)),
  )
  const named = (name: string): unknown => shipped.find((object) => at(object, 'metadata.name') === name)

  it("are KServe's, one for TGI, and the storage container", () => {
    const names = shipped.map((object) => String(at(object, 'metadata.name')))
    expect(names.toSorted()).toEqual(
      [...catalogue.map(({ name }) => name), 'pilotlight-tgi', 'default'].toSorted(),
    )
  })

  it('keep their placeholders, and have images with tags', () => {
    expect(at(named('kserve-sklearnserver'), 'spec.containers')).toMatchObject([
      {
        image: expect.stringMatching(/^kserve\/sklearnserver:v/),
        args: expect.arrayContaining(['--model_name={{.Name}}']),
      },
    ])
    const text = JSON.stringify(shipped)
    const images = [...text.matchAll(/"image":"([^"]+)"/g)].map(([, image = '']) => image)
    expect(images.length).toBeGreaterThan(catalogue.length)
    expect(images.filter((image) => !/^[\w./-]+:[\w.-]+$/.test(image))).toEqual([])
  })
})
