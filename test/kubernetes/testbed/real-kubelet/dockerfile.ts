/** One line of a Dockerfile. */
export interface Instruction {
  /** In upper case: `COPY`. */
  readonly keyword: string
  /** Its words; an instruction in the form of a JSON array has those of the array. */
  readonly words: readonly string[]
}

/** What follows a `FROM`. */
export interface Stage {
  /** Empty when it has no name. */
  readonly name: string
  readonly instructions: readonly Instruction[]
}

/** Reads as much of the language as a plain Dockerfile needs: comments, continued lines, `FROM ... AS`, JSON arrays. */
export function parseDockerfile(text: string): Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const stages: { name: string; instructions: Instruction[] }[] = []
  for (const line of lines) {
    const [keyword = '', ...rest] = line.split(/\s+/)
    const instruction = {
      keyword: keyword.toUpperCase(),
      words: wordsOf(line.slice(keyword.length).trim(), rest),
    }
    if (instruction.keyword === 'FROM') {
      const [, as = '', name = ''] = instruction.words
      stages.push({ name: as.toUpperCase() === 'AS' ? name : '', instructions: [] })
    } else {
      // An ARG before the first FROM belongs to no stage.
      stages.at(-1)?.instructions.push(instruction)
    }
  }
  return stages
}

function wordsOf(text: string, words: readonly string[]): readonly string[] {
  if (!text.startsWith('[')) return words
  const array: unknown = JSON.parse(text)
  if (!Array.isArray(array)) throw new Error(`got ${text}; a list in a Dockerfile is an array of words`)
  return array.map(String)
}

/** What `.dockerignore` lets into a build: whether a path of the repository is there for `COPY`. */
export class BuildContext {
  readonly #rules: readonly { readonly isExcluded: boolean; readonly pattern: RegExp }[]

  constructor(dockerignore: string) {
    this.#rules = dockerignore
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => ({ isExcluded: !line.startsWith('!'), pattern: patternOf(line.replace(/^!/, '')) }))
  }

  /** The last rule that says something of the path, or of a folder above it, counts. */
  has(path: string): boolean {
    return this.#rules.findLast(({ pattern }) => pattern.test(path))?.isExcluded !== true
  }
}

function patternOf(glob: string): RegExp {
  const source = glob
    .replaceAll(/[.+^$()|[\]{}\\]/g, String.raw`\$&`)
    .replaceAll(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(?:.*/)?'))
  return new RegExp(`^${source}(?:/|$)`)
}
