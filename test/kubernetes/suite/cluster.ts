import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { must } from '../../interop/command.ts'
import { attachTestbed, type Testbed } from '../testbed/index.ts'

/** The test bed that the tests run in, or undefined when they run against a cluster that somebody else has made. */
export const testbed: Testbed | undefined =
  process.env['PILOTLIGHT_TESTBED'] === undefined ? undefined : attachTestbed()

/** A namespace that is there for one test, and goes with everything in it. */
export class TestNamespace implements AsyncDisposable {
  readonly name: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'pilotlight-manifests-'))
  #count = 0

  private constructor(name: string) {
    this.name = name
  }

  /** Its name begins with `prefix` and is nobody else's, also in a cluster that others use. */
  static async make(prefix: string): Promise<TestNamespace> {
    return TestNamespace.#create(`${prefix}-${randomUUID().slice(0, 8)}`)
  }

  /** One of exactly this name, for manifests that say it. What a run before has left in it goes first. */
  static async named(name: string): Promise<TestNamespace> {
    if (testbed === undefined) throw new Error(`namespace ${name}: may be somebody's in this cluster`)
    await kubectl('delete', 'namespace', name, '--ignore-not-found', '--timeout=120s')
    return TestNamespace.#create(name)
  }

  static async #create(name: string): Promise<TestNamespace> {
    await kubectl('create', 'namespace', name)
    await kubectl('wait', '--for=create', 'serviceaccount/default', '--namespace', name, '--timeout=30s')
    return new TestNamespace(name)
  }

  /** kubectl in this namespace; gives what it prints. */
  async kubectl(...args: readonly string[]): Promise<string> {
    return kubectl('--namespace', this.name, ...args)
  }

  /** A field of an object, or of a list, as kubectl's `jsonpath` gives it. */
  async field(what: string, path: string): Promise<string> {
    return this.kubectl('get', ...what.split(' '), '-o', `jsonpath={${path}}`)
  }

  async apply(...objects: readonly object[]): Promise<void> {
    this.#count += 1
    const file = join(this.#folder, `${this.#count}.yaml`)
    writeFileSync(file, objects.map((object) => stringify(object)).join('---\n'))
    await this.kubectl('apply', '--filename', file)
  }

  async waitFor(condition: string, what: string, timeoutSeconds = 60): Promise<void> {
    await this.kubectl('wait', `--for=${condition}`, ...what.split(' '), `--timeout=${timeoutSeconds}s`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true })
    await this.#deleteServices()
    // A namespace begins to go 5 s after it was deleted, but others need the room of its pods now.
    await this.kubectl('delete', 'deployment,statefulset,job,pod', '--all', '--timeout=120s')
    await kubectl('delete', 'namespace', this.name, '--wait=false')
  }

  /** First of all: as long as a service is there, its pods are started again. */
  async #deleteServices(): Promise<void> {
    try {
      await this.kubectl('delete', 'inferenceservice', '--all', '--timeout=60s')
    } catch (error) {
      const isKnown = !String(error).includes(`the server doesn't have a resource type`)
      if (isKnown) throw error
    }
  }
}

async function kubectl(...args: readonly string[]): Promise<string> {
  const file = testbed === undefined ? 'kubectl' : join(testbed.binaries, 'kubectl')
  const { stdout } = await must(file, args, { timeoutMs: 150_000 })
  return stdout
}
