import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ask } from '../end-to-end/harness.ts'
import { makeCertificates } from '../support/certificates.ts'
import { run as runCommand } from './command.ts'
import { customService, startGateway } from './gateway.ts'
import { CASES, knownFailures, passesMin, type Target } from './h2spec-known.ts'
import { freePort, Peer } from './peer.ts'
import type { Report } from './report.ts'
import type { Run, Suite } from './suite.ts'
import { goTool, tools } from './tools.ts'

/** Where everything fails, the first few say why. */
const SHOWN_MAX = 20

/** h2spec, without TLS and with it, against the gateway with an HTTP/1.1 replica behind. */
export const h2spec: Suite = {
  name: 'h2spec',
  title: 'h2spec: HTTP/2 and HPACK, 145 cases',
  tools: [tools.goTools],
  programs: ['go', 'openssl'],
  async run({ direct, report, scratch }: Run) {
    await using listening = direct ? await startNode(scratch) : await startThroughGateway(scratch)
    // At once: nearly all of the time is spent waiting for answers that do not come.
    const [plain, tls] = await Promise.all([
      casesOf(listening.plainPort, [], join(scratch, 'h2spec-plain.xml')),
      casesOf(listening.tlsPort, ['--tls', '--insecure'], join(scratch, 'h2spec-tls.xml')),
    ])
    const server = direct ? 'Node' : 'the gateway'
    judge(`${server} over h2c`, plain, report)
    judge(`${server} over TLS`, tls, report)
  },
}

interface Server extends AsyncDisposable {
  readonly plainPort: number
  readonly tlsPort: number
}

async function startThroughGateway(scratch: string): Promise<Server> {
  const command = [process.execPath, peerScript('plain-server.ts'), '--port', '{{.Port}}']
  // h2spec asks for localhost, so that is what the service is called.
  const gateway = await startGateway([customService('localhost', { command })], {
    scratch,
    domainTemplate: '{{ .Name }}',
  })
  // Wakes the service, which h2spec with its short patience would not wait for.
  const { status, body } = await ask(gateway.running.gateway, { headers: { host: 'localhost' } })
  if (status === 200) return gateway
  await gateway[Symbol.asyncDispose]()
  throw new Error(`the service behind the gateway answers ${status}: ${body}`)
}

async function startNode(scratch: string): Promise<Server> {
  const { server } = makeCertificates(join(scratch, 'certificates'))
  const plainPort = await freePort()
  const tlsPort = await freePort()
  const args = ['--port', `${plainPort}`, '--tls-port', `${tlsPort}`]
  const files = ['--cert', server.certFile, '--key', server.keyFile]
  const peer = await Peer.start(process.execPath, [peerScript('node-http2-server.ts'), ...args, ...files], {
    ports: [plainPort, tlsPort],
  })
  return { plainPort, tlsPort, [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose]() }
}

function peerScript(name: string): string {
  return fileURLToPath(new URL(`./peers/${name}`, import.meta.url))
}

interface Case {
  readonly id: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** What was expected and what came instead. */
  readonly words: string
}

async function casesOf(port: number, flags: readonly string[], junit: string): Promise<Case[]> {
  const target = ['--host', 'localhost', '--port', `${port}`, '--timeout', '2', '--junit-report', junit]
  // Its exit code says whether all passed, which is ours to judge.
  const ended = await runCommand(goTool('h2spec'), [...target, ...flags], { timeoutMs: 120_000 })
  const cases = readJunit(readFileSync(junit, 'latin1'))
  if (cases.length > 0) return cases
  throw new Error(`h2spec left no report: ${ended.stdout.slice(-500)}${ended.stderr.slice(-500)}`)
}

const TEST_CASE = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g

/** Cases from h2spec's own JUnit file, whose words may be bytes that are no text. */
function readJunit(xml: string): Case[] {
  return [...xml.matchAll(TEST_CASE)].map(([, section = '', title = '', inside = '']) => ({
    id: unescape(`${section}: ${title}`),
    outcome: inside.includes('<skipped')
      ? 'skipped'
      : /<(?:error|failure)/.test(inside)
        ? 'failed'
        : 'passed',
    words: unescape(
      inside
        .replaceAll(/<[^>]*>/g, ' ')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    ),
  }))
}

function unescape(text: string): string {
  const entities = {
    '&lt;': '<',
    '&gt;': '>',
    '&quot;': '"',
    '&#39;': "'",
    '&#34;': '"',
    '&#xA;': ' ',
    '&amp;': '&',
  }
  return Object.entries(entities).reduce((whole, [entity, plain]) => whole.replaceAll(entity, plain), text)
}

function judge(target: Target, cases: readonly Case[], report: Report): void {
  const known = knownFailures(target)
  const failed = cases.filter(({ outcome }) => outcome === 'failed')
  const skipped = cases.filter(({ outcome }) => outcome === 'skipped')
  const passed = cases.length - failed.length - skipped.length
  const unknown = failed.filter(({ id }) => !known.has(id))
  for (const { id, words } of unknown.slice(0, SHOWN_MAX)) report.fail(`${target}: ${id}`, words)
  if (unknown.length > SHOWN_MAX) report.note(`${target}: ${unknown.length - SHOWN_MAX} more fail`)
  for (const { id, words } of skipped) report.fail(`${target}: ${id}`, `h2spec left it out: ${words}`)
  for (const { id } of failed) {
    const why = known.get(id)
    if (why !== undefined) report.note(`${target}: fails as listed: ${id} (${why})`)
  }
  for (const id of known.keys()) {
    if (cases.some((one) => one.id === id && one.outcome === 'passed')) {
      report.note(`${target}: passes although it is listed in h2spec-known.ts: ${id}`)
    }
    if (!cases.some((one) => one.id === id))
      report.fail(`${target}: ${id}`, 'listed, and h2spec has no such case')
  }
  const count = `${passed} of ${cases.length} pass, ${failed.length - unknown.length} fail as listed`
  const title = `${target}: ${CASES} cases, at least ${passesMin(target)} pass, the others fail as listed`
  if (cases.length !== CASES || passed < passesMin(target) || unknown.length + skipped.length > 0) {
    report.fail(title, count)
  } else report.pass(title, count)
}
