import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { CaseResult } from './case-result.ts'
import { NotAVectorFile, readVectorFile } from './vector-file.ts'
import { kindOf, runCase, vectorKinds } from './vector-kinds.ts'

/**
 * `npm run conformance -- PATH...`: runs acceptance cases and says how many passed. A PATH is a vector file
 * (.json, of any name), a folder of them, or a folder of KServe cases (expected.csv, scenarios/).
 * Exit status: 0 all passed, 1 some failed, 2 an argument cannot be used.
 */

const USAGE =
  'a PATH is a vector file (.json), a folder of vector files, or a folder with expected.csv or scenarios/'

class UnusableArgument extends Error {
  override readonly name = 'UnusableArgument'
}

/** One block of the output: a file or folder, its cases, and a remark where it was not run. */
interface Suite {
  readonly title: string
  readonly results: readonly CaseResult[]
  readonly remark?: string
}

async function suitesOf(path: string): Promise<Suite[]> {
  if (!existsSync(path)) throw new UnusableArgument(`${path}: does not exist; ${USAGE}`)
  if (!statSync(path).isDirectory()) return [vectorSuite(path)]
  const suites: Suite[] = []
  if (existsSync(join(path, 'expected.csv'))) {
    const { runManifests } = await import('./kserve-manifests.ts')
    suites.push(await kserveSuite(join(path, 'expected.csv'), runManifests(path)))
  }
  const base = basename(resolve(path)) === 'scenarios' ? dirname(resolve(path)) : path
  if (existsSync(join(base, 'scenarios'))) {
    const { runScenarios } = await import('./kserve-scenarios.ts')
    suites.push(await kserveSuite(join(base, 'scenarios'), runScenarios(base)))
  }
  const files = readdirSync(path).filter((file) => file.endsWith('.json'))
  for (const file of files.sort()) suites.push(suiteInFolder(join(path, file)))
  if (suites.every(({ remark }) => remark !== undefined)) {
    for (const suite of suites) print(suite)
    throw new UnusableArgument(`${path}: holds no cases that are covered; ${USAGE}`)
  }
  return suites
}

/** Cases that cannot even be read are one failure: the rest of the run goes on. */
async function kserveSuite(title: string, running: Promise<CaseResult[]>): Promise<Suite> {
  try {
    return { title, results: await running }
  } catch (error) {
    return { title, results: [{ name: 'the whole folder', failure: `could not be run: ${String(error)}` }] }
  }
}

/** A file found in a folder that is no vector file, or of a kind that is not covered, is named and left out. */
function suiteInFolder(path: string): Suite {
  try {
    const suite = vectorSuite(path)
    return suite.remark === undefined ? suite : { ...suite, results: [] }
  } catch (error) {
    if (!(error instanceof NotAVectorFile)) throw error
    return { title: path, results: [], remark: 'left out: it is no vector file {name, schema, cases[]}' }
  }
}

/** Runs a vector file; of a kind that is not covered every case fails. */
function vectorSuite(path: string): Suite {
  const vectors = readVectorFile(path)
  const kind = kindOf(vectors)
  if (kind !== undefined) {
    return { title: path, results: vectors.cases.map((vector, index) => runCase(kind, vector, index)) }
  }
  const remark = `not covered: no known kind has the name "${vectors.name}" or cases of this shape`
  const cases = vectors.cases.length === 0 ? [{ name: 'the file' }] : vectors.cases
  const results = cases.map(({ name }, index) => ({ name: name ?? `case ${index}`, failure: 'not covered' }))
  return { title: path, results, remark }
}

function print({ title, results, remark }: Suite): void {
  const failed = results.filter(({ failure }) => failure !== undefined)
  for (const { name, failure } of failed)
    console.log(`${title}: ${name}: ${failure?.replaceAll(/\s*\n\s*/g, ' | ')}`)
  if (remark !== undefined) {
    console.log(`${title}: ${remark}`)
    if (results.length > 0) console.log(`covered are ${vectorKinds.map(({ name }) => name).join(', ')}`)
  }
  if (remark === undefined || results.length > 0) console.log(`${title}: ${tally(results)}`)
}

function tally(results: readonly CaseResult[]): string {
  const failed = results.filter(({ failure }) => failure !== undefined).length
  return `${results.length - failed} passed, ${failed} failed`
}

async function main(paths: readonly string[]): Promise<number> {
  if (paths.length === 0) throw new UnusableArgument(`no PATH was given; ${USAGE}`)
  const all: CaseResult[] = []
  for (const path of paths) {
    for (const suite of await suitesOf(path)) {
      print(suite)
      all.push(...suite.results)
    }
  }
  console.log(tally(all))
  return all.some(({ failure }) => failure !== undefined) ? 1 : 0
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UnusableArgument) && !(error instanceof NotAVectorFile)) throw error
  console.error(error.message)
  process.exitCode = 2
}
