import type { Snapshot } from '../control/view.ts'
import { CliError } from './errors.ts'
import { resourceTypes } from './resource-types.ts'

/** Each shell asks `pilotlight __complete -- WORDS` (the last word is the one being typed) for one candidate a line. */
const scripts: Readonly<Record<string, string>> = {
  bash: `_pilotlight() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(pilotlight __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _pilotlight pilotlight
`,
  zsh: `#compdef pilotlight
_pilotlight() {
  local -a candidates
  candidates=("\${(@f)$(pilotlight __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -- $candidates || _files
}
compdef _pilotlight pilotlight
`,
  fish: `complete -c pilotlight -a '(pilotlight __complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
}

/** @throws CliError (usage) */
export function completionScript(shell: string): string {
  const script = scripts[shell]
  if (script !== undefined) return script
  throw new CliError(
    'usage',
    `SHELL: ${JSON.stringify(shell)} is not known; it is one of ${Object.keys(scripts).join(', ')}`,
  )
}

/** What the command line offers: commands with their options, and the names that live at this moment. */
export interface Vocabulary {
  readonly commands: ReadonlyMap<string, readonly string[]>
  /** The snapshot, or undefined when no server answers: then only words that are always there are offered. */
  readonly snapshot: () => Promise<Pick<Snapshot, 'services' | 'revisions' | 'replicas'> | undefined>
}

const DELETABLE = ['inferenceservice', 'servingruntime', 'clusterservingruntime']
const CANARY = ['set', 'promote', 'rollback']
const FORMATS = ['table', 'wide', 'json', 'yaml', 'name', 'jsonpath=']

/** Candidates for the last of `words`, those that begin with it. */
export async function complete(words: readonly string[], vocabulary: Vocabulary): Promise<readonly string[]> {
  const current = words.at(-1) ?? ''
  const candidates = await candidatesFor(words, current, vocabulary)
  return candidates.filter((candidate) => candidate.startsWith(current))
}

async function candidatesFor(
  words: readonly string[],
  current: string,
  { commands, snapshot }: Vocabulary,
): Promise<readonly string[]> {
  if (words.length <= 1) return [...commands.keys()]
  const [command = ''] = words
  const before = words.at(-2)
  if (before === '-n' || before === '--namespace') {
    const { services = [] } = (await snapshot()) ?? {}
    return [...new Set(services.map(({ metadata }) => metadata.namespace))]
  }
  if (before === '-o' || before === '--output') return FORMATS
  if (current.startsWith('-')) return commands.get(command) ?? []
  const { positional, namespace } = split(words.slice(1, -1))
  const names = async (key: 'services' | 'revisions' | 'replicas'): Promise<readonly string[]> =>
    namesIn((await snapshot())?.[key] ?? [], namespace)
  if (positional.length === 0) {
    if (command === 'get') return resourceTypes
    if (command === 'delete') return DELETABLE
    if (command === 'canary') return CANARY
    if (command === 'completion') return Object.keys(scripts)
    if (command === 'why') return names('revisions')
    if (command === 'logs')
      return [...(await names('services')), ...(await names('revisions')), ...(await names('replicas'))]
    return []
  }
  if (positional.length > 1) return []
  const [type = ''] = positional
  if (command === 'get' && type.startsWith('rev')) return names('revisions')
  if (command === 'get' && /^(?:replica|po)/.test(type)) return names('replicas')
  return command === 'get' || command === 'canary' || command === 'delete' ? names('services') : []
}

/** Options whose value is the next word. */
const WITH_VALUE = new Set([
  '-o',
  '--output',
  '-f',
  '--filename',
  '--server',
  '--kubeconfig',
  '--context',
  '--install-namespace',
  '--limit',
  '--tail',
])

type Named =
  | { readonly name: string }
  | { readonly metadata: { readonly namespace: string; readonly name: string } }

function namesIn(items: readonly Named[], namespace: string): readonly string[] {
  const qualifiedNames = items.map((item) =>
    'metadata' in item ? `${item.metadata.namespace}/${item.metadata.name}` : item.name,
  )
  return qualifiedNames
    .filter((name) => name.startsWith(`${namespace}/`))
    .map((name) => name.slice(namespace.length + 1))
}

/** The words that are no options, and what -n says. */
function split(words: readonly string[]): { positional: readonly string[]; namespace: string } {
  const positional: string[] = []
  let namespace = 'default'
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]!
    if (word === '-n' || word === '--namespace') namespace = words[(at += 1)] ?? namespace
    else if (WITH_VALUE.has(word)) at += 1
    else if (!word.startsWith('-')) positional.push(word)
  }
  return { positional, namespace }
}
