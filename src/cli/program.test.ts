import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FakeTerminal } from './fake-terminal.ts'

const cli = new FakeTerminal()

describe('usage', () => {
  it.each([
    ['get isvc,x', 'TYPE: "isvc,x" is not known'],
    ['get', "missing required argument 'type'"],
    [
      'get isvc -o xml',
      '--output: "xml" is not known; it is one of table, wide, json, yaml, name, jsonpath=',
    ],
    ["get isvc -o 'jsonpath={.a'", 'the { in column 1 is not closed'],
    ['get isvc x -A', '--all-namespaces'],
    ['gte', 'Did you mean get?'],
    ['apply', "required option '-f, --filename <path>' not specified"],
    ['delete', 'TYPE and NAME, or -f FILE, are missing'],
    ['delete rev x', 'TYPE: "rev" cannot be deleted'],
    ['canary set iris 101', 'PERCENT: "101" is not valid'],
    ['canary set iris ten', 'PERCENT: "ten" is not valid'],
    ['why x --limit 0', 'It must be a whole number from 1 to 1000'],
    ['logs x --tail -1', 'It must be a whole number'],
    ['up --port 70000', 'It must be a whole number from 0 to 65535'],
    ['up --log-level loud', 'Allowed choices are debug, info, warn, error'],
    ['completion tcsh', 'SHELL: "tcsh" is not known'],
    ['--server nonsense get isvc', '--server: "nonsense" is no URL'],
  ])('%s', async (line, message) => {
    const { code, err } = await cli.result(line)
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
  })

  it.each([
    'up',
    'get',
    'apply',
    'delete',
    'explain',
    'canary',
    'canary set',
    'canary promote',
    'canary rollback',
    'why',
    'logs',
    'completion',
  ])('%s --help has examples', async (command) => {
    const { code, out } = await cli.result(`${command} --help`)
    expect([code, out]).toEqual([0, expect.stringContaining(`Examples:\n  `)])
    expect(out).toContain(`pilotlight ${command}`)
  })

  it('prints its version', async () => {
    expect(await cli.result('--version')).toEqual({ code: 0, out: '1.2.3\n', err: '' })
  })

  it('passes on what `up` is told', async () => {
    const { ups, finished } = cli.start(
      'up a b --port 0 --admin-port 9091 --state-dir s -c p.yaml --log-level warn --host ::1',
    )
    expect(await finished).toBe(0)
    expect(ups).toEqual([
      {
        paths: ['a', 'b'],
        port: 0,
        adminPort: 9091,
        stateDir: 's',
        config: 'p.yaml',
        logLevel: 'warn',
        host: '::1',
      },
    ])
  })
})

describe('the server', () => {
  it('that cannot be reached is exit code 3, with what to do', async () => {
    await cli.stopServer()
    const { code, err } = await cli.result('get isvc')
    expect([code, err]).toEqual([3, expect.stringContaining(`cannot reach the admin API at ${cli.server}`)])
    expect(err).toContain('pilotlight up')
  })

  it('is found by the address file of a folder above', async () => {
    await mkdir(join(cli.folder, '.pilotlight'), { recursive: true })
    await writeFile(join(cli.folder, '.pilotlight', 'admin.json'), JSON.stringify({ url: cli.server }))
    expect((await cli.result('get isvc -A -o name', { env: {} })).out).toContain('/iris')
    await writeFile(join(cli.folder, '.pilotlight', 'admin.json'), 'junk')
    expect((await cli.result('get isvc', { env: {} })).err).toContain('must be {"url"')
    await rm(join(cli.folder, '.pilotlight'), { recursive: true })
  })
})

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('has a script for %s', async (shell) => {
    expect((await cli.result(`completion ${shell}`)).out).toContain('pilotlight __complete')
  })

  it.each([
    [
      '',
      'up gateway controller single get apply delete explain canary why logs doctor install uninstall completion',
    ],
    ['ge', 'get'],
    ['get ""', 'inferenceservices revisions replicas'],
    ['get rev -n ml ""', 'iris-predictor-00001 iris-predictor-00002'],
    ['get rev ""', ''],
    ['get isvc -n ""', 'ml'],
    ['get isvc -n ml i', 'iris'],
    ['get --all', '--all-namespaces'],
    ['get isvc -o j', 'json jsonpath='],
    ['canary ""', 'set promote rollback'],
    ['canary promote -n ml ""', 'iris'],
    ['why -n ml iris-predictor-00002', 'iris-predictor-00002'],
    [
      'logs -n ml iris-predictor-00002-c',
      'iris-predictor-00002-c1 iris-predictor-00002-c2 iris-predictor-00002-c3',
    ],
  ])('completes %j', async (words, candidates) => {
    const { code, out } = await cli.result(`__complete -- ${words}`)
    expect([code, out.split('\n').filter(Boolean).join(' ')]).toEqual([0, candidates])
  })

  it('offers words without names when no server answers', async () => {
    await cli.stopServer()
    expect(await cli.result('__complete -- get isvc ""')).toEqual({ code: 0, out: '', err: '' })
    expect((await cli.result('__complete -- get re')).out).toBe('revisions\nreplicas\n')
  })
})
