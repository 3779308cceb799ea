import { InvalidArgumentError, Option, type Command } from 'commander'

export function withExamples(command: Command, examples: string): Command {
  const indented = examples.replaceAll(/^/gm, '  ')
  return command.addHelpText('after', `\nExamples:\n${indented}`)
}

export function namespaceOption(): Option {
  return new Option(
    '-n, --namespace <namespace>',
    'the namespace (default: default; on a cluster that of the context)',
  )
}

export function filesOption(): Option {
  return new Option(
    '-f, --filename <path>',
    'a file, a folder, or - for standard input; may be given again',
  ).argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value])
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }
}

export function port(text: string): number {
  return wholeNumber(0, 65_535)(text)
}
