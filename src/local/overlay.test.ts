import { describe, expect, it } from 'vitest'
import { folderHashes, overlaid, parsed, type Overlay } from './overlay.ts'
import { nextMetadata } from './object-metadata.ts'
import { documentsOf } from './documents.ts'

const doc = (name: string, replicas: number) =>
  `apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: ${name}}\nspec: {minReplicas: ${replicas}}\n`
const file = (text: string) => parsed({ path: 'm/all.yaml', baseDir: '/m', text })
const KEY = 'InferenceService/default/iris'
const shadowing = (files: ReturnType<typeof file>[], text: string | null): Overlay => ({
  [KEY]: { text, baseDir: '/m', shadows: folderHashes(files).get(KEY) ?? null },
})

describe('the last writer wins', () => {
  const folder = [file(`${doc('iris', 1)}---\n${doc('other', 1)}`)]

  it('an applied object stands over the same content of the folder, which keeps its lines and numbers', () => {
    const { files } = overlaid(folder, shadowing(folder, doc('iris', 5)))
    expect(files.map(({ path }) => path)).toEqual(['m/all.yaml', 'applied:default/iris'])
    const [rest] = files
    expect(documentsOf(rest!.text).map(({ name }) => name)).toEqual(['other'])
    expect(rest!.text.split('\n')).toHaveLength(folder[0]!.file.text.split('\n').length)
    expect(rest!.text).toContain('---\n')
  })

  it('other comments and another order of keys are the same content', () => {
    const same = [
      file(`# hello\nkind: InferenceService\n${doc('iris', 1).replace('kind: InferenceService\n', '')}`),
    ]
    expect(overlaid(same, shadowing(folder, doc('iris', 5))).files).toHaveLength(2)
  })

  it.each([
    ['a changed document', [file(doc('iris', 2))]],
    ['a deleted document', [file(doc('other', 1))]],
  ])('%s in the folder ends it', (_what, changed) => {
    const after = overlaid(changed, shadowing(folder, doc('iris', 5)))
    expect(after.files).toEqual(changed.map((one) => one.file))
    expect(after.overlay).toEqual({})
  })

  it('a deletion hides the document until it changes', () => {
    const hidden = overlaid(folder, shadowing(folder, null))
    expect(hidden.files.flatMap(({ text }) => documentsOf(text).map(({ name }) => name))).toEqual(['other'])
    const changed = overlaid([file(doc('iris', 2))], hidden.overlay)
    expect(documentsOf(changed.files[0]!.text).map(({ name }) => name)).toEqual(['iris'])
  })

  it('an object that only the API knows stays until the folder has it too', () => {
    const overlay = shadowing([], doc('iris', 5))
    expect(overlaid([], overlay)).toEqual({
      files: [{ path: 'applied:default/iris', baseDir: '/m', text: doc('iris', 5) }],
      overlay,
    })
    expect(overlaid(folder, overlay).overlay).toEqual({})
  })
})

describe('generations', () => {
  it('count changes of spec, and begin anew with a new object', () => {
    const at = (text: string) => documentsOf(text)
    const first = nextMetadata({}, at(doc('iris', 1)), 1_000)
    expect(first[KEY]).toMatchObject({ createdAtMs: 1_000, generation: 1 })
    const labelled = doc('iris', 1).replace('{name: iris}', '{name: iris, labels: {a: b}}')
    expect(nextMetadata(first, at(labelled), 2_000)).toEqual(first)
    const second = nextMetadata(first, at(doc('iris', 2)), 3_000)
    expect(second[KEY]).toMatchObject({ createdAtMs: 1_000, generation: 2 })
    const gone = nextMetadata(second, [], 4_000)
    expect(nextMetadata(gone, at(doc('iris', 2)), 5_000)[KEY]).toMatchObject({
      createdAtMs: 5_000,
      generation: 1,
    })
  })
})

it.each([
  ['kind: X\nmetadata: {name: a}', 'apiVersion is missing'],
  ['apiVersion: v1\nmetadata: {name: a}', 'kind is missing'],
  ['apiVersion: v1\nkind: X\nmetadata: {}', 'X: metadata.name is missing'],
  ['- 1', 'the document is no object'],
  ['a: [', 'Flow sequence'],
])('names what is wrong with %j', (text, message) => {
  const problems: string[] = []
  expect(documentsOf(text, (problem) => problems.push(problem))).toEqual([])
  expect(problems).toEqual([expect.stringContaining(message)])
})
