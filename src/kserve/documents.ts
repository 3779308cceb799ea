import { LineCounter, parseDocument, type Document, type YAMLError } from 'yaml'

/**
 * YAML text to documents, as kubectl splits and reads them: YAML 1.1 (`yes` and `on` are booleans), every
 * `---` at the start of a line begins a document, and empty documents count but give nothing.
 */

/** One YAML document: a value, or an error that says where it is broken. */
export interface ManifestDocument {
  /** `examples/iris.yaml#1`; documents count from 0. */
  readonly source: string
  /** The folder of the manifest file, against which a runtime's relative paths are read. */
  readonly baseDir?: string
  readonly value?: unknown
  readonly error?: YamlProblem
  /** The line in the file (from 1) of the value at `path`, or of its nearest parent that is there; 0 = there is no text. */
  lineOf(path: readonly (string | number)[]): number
}

export interface YamlProblem {
  /** `iris.yaml:9:24: Unexpected scalar at node end`. */
  readonly message: string
  readonly line: number
  readonly column: number
  /** The words of go-yaml, which KServe's users see: `yaml: line 8: did not find expected key`. */
  readonly goMessage: string
}

export interface ParseOptions {
  /** What the text is called in messages: a file's path. */
  readonly file: string
  readonly baseDir?: string
}

export function parseDocuments(text: string, options: ParseOptions): readonly ManifestDocument[] {
  return splitDocuments(text).flatMap((chunk, index) => {
    const document = readChunk(chunk, index, options)
    return document === undefined ? [] : [document]
  })
}

interface Chunk {
  readonly text: string
  /** Lines of the file before this chunk. */
  readonly linesBefore: number
}

/** Splits before parsing, so that one broken document does not take its neighbours with it. */
function splitDocuments(text: string): Chunk[] {
  const chunks: Chunk[] = []
  let lines: string[] = []
  let start = 0
  const all = text.replace(/^\uFEFF/, '').split('\n')
  for (const [number, line] of all.entries()) {
    if (!/^---(\s|$)/.test(line)) {
      lines.push(line)
      continue
    }
    // A `---` before anything else opens the first document instead of ending an empty one.
    if (number > 0 && (chunks.length > 0 || lines.some((before) => before.trim() !== ''))) {
      chunks.push({ text: lines.join('\n'), linesBefore: start })
    }
    // `--- {a: b}`: what follows the marker belongs to the document; three blanks keep the columns.
    lines = [`   ${line.slice(3)}`]
    start = number
  }
  chunks.push({ text: lines.join('\n'), linesBefore: start })
  return chunks
}

function readChunk(chunk: Chunk, index: number, options: ParseOptions): ManifestDocument | undefined {
  const lineCounter = new LineCounter()
  const document = parseDocument(chunk.text, {
    version: '1.1',
    lineCounter,
    prettyErrors: false,
    // go-yaml reads neither `12:30` as a number nor dates as anything but text.
    customTags: (tags) =>
      tags
        .filter(
          (tag) =>
            typeof tag === 'string' ||
            !(tag.tag.endsWith(':timestamp') || ('format' in tag && tag.format === 'TIME')),
        )
        .map((tag) =>
          // Nor is a lone dot (`workingDir: .`) a number to it.
          typeof tag !== 'string' && 'test' in tag && tag.test?.test('.')
            ? { ...tag, test: /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)$/ }
            : tag,
        ),
  })
  const source = `${options.file}#${index}`
  const base = { source, ...(options.baseDir === undefined ? {} : { baseDir: options.baseDir }) }
  const lineAt = (offset: number): number => chunk.linesBefore + lineCounter.linePos(offset).line
  const broken = (offset: number, message: string, goMessage: string): ManifestDocument => {
    const { col } = lineCounter.linePos(offset)
    const line = lineAt(offset)
    const error = { message: `${options.file}:${line}:${col}: ${message}`, line, column: col, goMessage }
    return { ...base, error, lineOf: () => line }
  }
  const [first] = document.errors
  if (first !== undefined) {
    const { line } = lineCounter.linePos(first.pos[0])
    return broken(first.pos[0], first.message, goYamlMessage(first, { line, text: chunk.text }))
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    if (value === null || value === undefined) return undefined
    return { ...base, value, lineOf: (path) => lineAt(offsetOf(document, path)) }
  } catch (error) {
    // An alias without its anchor, or one that would explode.
    const message = error instanceof Error ? error.message : String(error)
    return broken(0, message, `yaml: ${message}`)
  }
}

function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
      return Number(node.range[0])
    }
  }
  return 0
}

/**
 * What go-yaml says of the same fault. Its scanner counts lines from 1 and its parser, by mistake, from 0:
 * a bad key on the ninth line is reported on line 8.
 */
function goYamlMessage(error: YAMLError, { line, text }: { line: number; text: string }): string {
  switch (error.code) {
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'BLOCK_IN_FLOW':
      return `yaml: line ${line}: mapping values are not allowed in this context`
    case 'TAB_AS_INDENT':
      return `yaml: line ${line}: found character that cannot start any token`
    case 'MISSING_CHAR':
      return /quote/.test(error.message)
        ? `yaml: line ${line}: found unexpected end of stream`
        : `yaml: line ${line}: could not find expected ':'`
    case 'DUPLICATE_KEY': {
      const key = /^\s*["']?([^"':\s]+)/.exec(text.slice(error.pos[0]))?.[1] ?? ''
      return `yaml: unmarshal errors:\n  line ${line}: key "${key}" already set in map`
    }
    default:
      return `yaml: line ${line - 1}: did not find expected key`
  }
}
