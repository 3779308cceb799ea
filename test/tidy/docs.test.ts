import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { defaultAutoscalerConfig, readAutoscalerConfig } from '../../autoscaler/index.ts'
import { program } from '../../src/cli/program.ts'
import { explainFiles } from '../../src/control/explain.ts'
import { configSchema, readConfig } from '../../src/core/config.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { vectorKinds } from '../conformance/vector-kinds.ts'
import { codeOf, filesUnder, productFiles, root, textOf } from './repository.ts'
import { workedMinute } from './worked-minute.ts'

type Tree = Readonly<Record<string, unknown>>

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The cells of the rows of a page, or of its section under `heading`, without the heads of tables. */
function rowsOf(page: string, heading?: string): string[][] {
  return sectionOf(page, heading)
    .split(/\n(?!\|)/)
    .flatMap((block) =>
      block
        .split('\n')
        .filter((line) => line.startsWith('|'))
        .slice(2),
    )
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
}

/** From a heading to the next one of the same or a higher level. */
function sectionOf(page: string, heading?: string): string {
  const text = textOf(page)
  if (heading === undefined) return text
  const start = text.indexOf(`\n${heading}\n`)
  expect(start, `${page} has no heading "${heading}"`).toBeGreaterThan(-1)
  const rest = text.slice(start + heading.length + 2)
  const level = heading.indexOf(' ')
  const end = rest.search(new RegExp(`^#{1,${level}} `, 'm'))
  return end === -1 ? rest : rest.slice(0, end)
}

function codeBlocks(page: string, language: string): string[] {
  return [...textOf(page).matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, block = '']) => block,
  )
}

const unquoted = (cell: string): string => cell.replaceAll('`', '')

describe('docs/configuration.md', () => {
  const page = 'docs/configuration.md'

  /** `gateway.port`, from the schema; a record such as `local.storage` is one field. */
  function fieldPaths(schema: unknown, path: readonly string[] = []): string[] {
    const properties = isTree(schema) ? schema['properties'] : undefined
    if (!isTree(properties)) return [path.join('.')]
    return Object.entries(properties).flatMap(([key, inner]) => fieldPaths(inner, [...path, key]))
  }

  it('has a row for each field of the schema, in its order, with its default', () => {
    // Of an optional section the defaults are seen when the fields that it must have are given.
    const defaults: unknown = readConfig({
      gateway: { tls: { certFile: 'none', keyFile: 'none' } },
      redis: { url: 'redis://none' },
    })
    const hasNone = new Set([
      'gateway.tls.certFile',
      'gateway.tls.keyFile',
      'gateway.tls.clientCertificates',
      'redis.url',
    ])
    const documented = rowsOf(page, '## Fields of pilotlight.yaml')
    const expected = fieldPaths(z.toJSONSchema(configSchema, { io: 'input' })).map((path) => {
      const value = path
        .split('.')
        .reduce<unknown>((tree, key) => (isTree(tree) ? tree[key] : undefined), defaults)
      return [path, hasNone.has(path) || value === undefined ? 'none' : JSON.stringify(value)]
    })
    expect(expected.length).toBeGreaterThan(20)
    expect(documented.map(([path = '', value = '']) => [unquoted(path), unquoted(value)])).toEqual(expected)
    expect(documented.filter(([, , meaning = '']) => meaning === '')).toEqual([])
  })

  it('has a row for each key of config-autoscaler, with its default', () => {
    const documented = rowsOf(page, '## Keys of config-autoscaler').map(([key = '', value = '']) => [
      unquoted(key),
      unquoted(value),
    ])
    const read = [...codeOf('autoscaler/settings.ts').matchAll(/\bread\.\w+\(\s*'([a-z-]+)'/g)]
    const keys = ['pod-autoscaler-class', ...read.map(([, key = '']) => key)]
    expect(new Set(documented.map(([key]) => key))).toEqual(new Set(keys))
    // A default that is wrong on the page gives another configuration.
    expect(readAutoscalerConfig(Object.fromEntries(documented))).toEqual(defaultAutoscalerConfig)
  })

  it('names each annotation and label that is read', () => {
    const table = /const keys = \{([\s\S]*?)\n\}/.exec(codeOf('autoscaler/annotations.ts'))?.[1] ?? ''
    const autoscaling = [...table.matchAll(/'([\w-]+)'/g)].map(([, name = '']) => name)
    const others = productFiles()
      .filter((path) => path.startsWith('src/kserve/') || path.startsWith('autoscaler/'))
      .flatMap((path) => [
        ...codeOf(path).matchAll(
          /'((?:serving\.kserve\.io|serving\.knative\.dev|networking\.[\w.]+|pilotlight\.dev)\/[\w-]+)'/g,
        ),
      ])
      .map(([, key = '']) => key)
      .filter((key) => !/\/v\d/.test(key))
    expect(autoscaling).toContain('window')
    expect(others).toContain('pilotlight.dev/sticky')
    const documented = new Set(
      rowsOf(page, '## Annotations').flatMap(([names = '']) => unquoted(names).split(', ')),
    )
    const missing = [...autoscaling, ...others].filter((key) => !documented.has(key))
    expect(missing, `give each a row in ${page}`).toEqual([])
  })

  it('shows a file that is read, with every field in it', () => {
    const [example = ''] = codeBlocks(page, 'yaml')
    const written: unknown = parse(example)
    const config = readConfig(written, page)
    expect(readAutoscalerConfig(config.autoscaler).maxScaleLimit).toBe(10)
    const has = (path: string): boolean =>
      path.split('.').reduce<unknown>((tree, key) => (isTree(tree) ? tree[key] : undefined), written) !==
      undefined
    const paths = fieldPaths(z.toJSONSchema(configSchema, { io: 'input' }))
    expect(paths.filter((path) => !has(path))).toEqual([])
  })
})

describe('docs/scaling.md', () => {
  it('works a minute through exactly as the code does', () => {
    const computed = workedMinute()
    const modes = new Set(computed.map(([, , , , , , mode]) => mode))
    expect(modes).toEqual(new Set(['stable', 'panic']))
    expect(rowsOf('docs/scaling.md', '## A minute, worked through')).toEqual(computed)
  })

  it('shows the manifest that gives these settings', () => {
    const [text = ''] = codeBlocks('docs/scaling.md', 'yaml')
    expect(explainFiles([{ path: 'burst.yaml', text }], { strict: false })).toMatchObject([
      { verdict: 'accept', warnings: [], min: '0', max: '5', kpa_effective_target: '7' },
    ])
    expect(text).toContain('autoscaling.knative.dev/window: "20s"')
  })
})

describe('docs/conformance.md', () => {
  const page = 'docs/conformance.md'

  it('has a row for each kind of vectors that can be run, with counts that add up', () => {
    const files = rowsOf(page, '### Vectors')
    const names = files.map(([file = '']) => unquoted(file))
    expect(new Set(names)).toEqual(new Set(vectorKinds.map(({ name }) => name)))
    const total = files.reduce((sum, [, cases = '']) => sum + Number(cases), 0)
    expect(rowsOf(page, '## Result')[0]).toEqual(['vectors', `${total} of ${total}`])
  })
})

describe('docs/runbook.md', () => {
  const page = textOf('docs/runbook.md')
  const code = productFiles().map(codeOf).join('\n')
  const words = new Set(code.match(/\w+/g))
  const inline = [...page.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text)

  it('names conditions, reasons and codes that somebody says', () => {
    const named = [
      ...inline.filter((text) => /^(?:[A-Z]+[a-z]+){2,}$|^[A-Z]{2,}[a-z]+$/.test(text)),
      ...(page.match(/\b[A-Z]+(?:_[A-Z]+)+\b/g) ?? []),
    ]
    expect(named).toEqual(expect.arrayContaining(['RevisionFailed', 'ModelLoadFailed', 'QUEUE_FULL']))
    expect(
      named.filter((word) => !words.has(word)),
      'correct the page',
    ).toEqual([])
  })

  it('names metrics with labels and values that exist', () => {
    const named = [...page.matchAll(/(pilotlight_\w+)(?:\{(\w+)="([\w-]+)"\})?/g)]
    const rows = new Map(
      rowsOf('docs/metrics.md').map(([name = '', , labels = '']) => [unquoted(name), labels]),
    )
    const wrong = named.filter(([, name = '', label = '', value = '']) => {
      const labels = rows.get(name)
      return labels === undefined || !labels.includes(label) || (value !== '' && !words.has(value))
    })
    expect(named.length).toBeGreaterThan(5)
    expect(
      wrong.map(([text]) => text),
      'correct the page',
    ).toEqual([])
  })

  it('quotes log lines as they are written', () => {
    const lines = inline.flatMap((text) => /^"(.+)"$/.exec(text)?.[1] ?? [])
    expect(lines.length).toBeGreaterThan(5)
    expect(
      lines.filter((line) => !code.includes(`'${line}'`)),
      'correct the page',
    ).toEqual([])
  })
})

describe('docs/cli.md', () => {
  const page = 'docs/cli.md'
  const unused = (): never => {
    throw new Error('no command is run here')
  }
  const io = {
    out: unused,
    err: unused,
    readStdin: unused,
    errIsTty: false,
    env: {},
    cwd: root,
    clock: new ManualClock(),
    signal: new AbortController().signal,
  }
  const cluster = { gateway: unused, controller: unused, single: unused }
  const cli = program(io, '0.0.0', { up: unused, explainFiles: unused, cluster })
  const commands = cli.commands.filter((command) => !command.name().startsWith('__'))

  it('has a section with an example for each command, in the order of --help', () => {
    const headings = [...textOf(page).matchAll(/^## (.+)$/gm)].map(([, name]) => name)
    expect(headings).toEqual(commands.map((command) => command.name()))
    for (const name of headings) {
      expect(sectionOf(page, `## ${name}`)).toMatch(new RegExp(`^(?:source <\\()?pilotlight ${name}\\b`, 'm'))
    }
  })

  it.each([page, 'README.md', ...filesUnder('examples').filter((path) => path.endsWith('.md'))])(
    '%s uses commands and options that exist',
    (path) => {
      const lines = [...textOf(path).matchAll(/^(?:.*\()?(?:npx )?pilotlight (.+?)(?: +#.*)?$/gm)]
      const wrong = lines.flatMap(([line, words = '']) => {
        const [name = '', ...rest] = words.replaceAll(/[)']/g, '').split(/\s+/)
        const command = commands.find((each) => each.name() === name)
        if (command === undefined) return [`${path}: ${line}: no command ${name}`]
        const called = command.commands.find((each) => each.name() === rest[0]) ?? command
        const known = new Set([...called.options, ...cli.options].flatMap(({ long, short }) => [long, short]))
        return rest
          .filter((word) => word.startsWith('-') && !known.has(word))
          .map((word) => `${path}: ${line}: no option ${word}`)
      })
      expect(lines.length, 'the examples were not found').toBeGreaterThan(0)
      expect(wrong).toEqual([])
    },
  )
})

describe('links', () => {
  const pages = filesUnder().filter((path) => path.endsWith('.md'))

  /** As GitHub makes them: lower case, blanks to hyphens, without punctuation. */
  function anchorsOf(path: string): Set<string> {
    const headings = [...textOf(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
    return new Set(
      headings.map((heading) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\w\- ]/g, '')
          .replaceAll(' ', '-'),
      ),
    )
  }

  it('between pages lead to files and headings that exist', () => {
    const links = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => ({ page, target }))
        .filter(({ target }) => !/^[a-z]+:/.test(target)),
    )
    expect(links.length).toBeGreaterThan(10)
    const broken = links.filter(({ page, target }) => {
      const [file = '', anchor] = target.split('#')
      const path = file === '' ? page : join(dirname(page), file)
      if (!existsSync(join(root, path))) return true
      return anchor !== undefined && !anchorsOf(path).has(anchor)
    })
    expect(broken, 'correct the link or write the page').toEqual([])
  })

  it('and files named in the pages exist', () => {
    const named = pages
      .filter((path) => path.startsWith('docs/') && !path.startsWith('docs/decisions/'))
      .flatMap((page) =>
        [...textOf(page).matchAll(/`((?:src|test|examples|router|activator|autoscaler)\/[\w./-]+)`/g)].map(
          ([, path = '']) => ({ page, path }),
        ),
      )
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter(({ path }) => !existsSync(join(root, path)))).toEqual([])
  })
})
