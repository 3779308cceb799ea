import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import { SystemClock } from '../../src/core/clock.ts'

const clock = new SystemClock()

export interface Ended {
  /** 0 to 255; -1 when it was ended by a signal. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A program that could not be started, took too long, or (with `must`) ended with another code than 0. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}

export interface CommandOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** After this it is killed and the promise rejects. */
  readonly timeoutMs?: number
}

/** Runs a program to its end and gives what it wrote. @throws CommandFailed */
export async function run(
  file: string,
  args: readonly string[],
  { cwd, env = {}, timeoutMs = 60_000 }: CommandOptions = {},
): Promise<Ended> {
  const child = spawn(file, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let isLate = false
  using _deadline = clock.after(timeoutMs, () => {
    isLate = true
    child.kill('SIGKILL')
  })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error) =>
      reject(new CommandFailed(`${file} could not be started: ${error.message}`)),
    )
    child.once('close', (code) => resolve(code ?? -1))
  })
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  if (isLate) {
    throw new CommandFailed(
      `${commandLine(file, args)} did not end within ${timeoutMs / 1_000} s\n${lastLines(stdout + stderr)}`,
    )
  }
  return { code, stdout, stderr }
}

/** The same; ending with another code than 0 rejects with its last lines. */
export async function must(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Ended> {
  const ended = await run(file, args, options)
  if (ended.code === 0) return ended
  throw new CommandFailed(
    `${commandLine(file, args)} ended with ${ended.code}\n${lastLines(ended.stdout + ended.stderr)}`,
  )
}

/** A step of a build: what it writes goes to the end of `log`, at low priority. @throws CommandFailed */
export async function build(
  file: string,
  args: readonly string[],
  { log, cwd, env = {} }: { log: string; cwd?: string; env?: Readonly<Record<string, string>> },
): Promise<void> {
  const output = createWriteStream(log, { flags: 'a' })
  output.write(`$ ${commandLine(file, args)}\n`)
  const child = spawn('nice', ['-n', '10', file, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const written: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output.write(chunk)
      written.push(chunk)
      if (written.length > 200) written.shift()
    })
  }
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', (error) =>
      reject(new CommandFailed(`${file} could not be started: ${error.message}`)),
    )
    child.once('close', (exitCode) => resolve(exitCode ?? -1))
  })
  output.end()
  await finished(output)
  if (code === 0) return
  throw new CommandFailed(
    `${commandLine(file, args)} ended with ${code}; the whole output is in ${log}\n${lastLines(written.join(''))}`,
  )
}

function commandLine(file: string, args: readonly string[]): string {
  return [file, ...args].join(' ')
}

function lastLines(written: string): string {
  return written.trim().split('\n').slice(-15).join('\n')
}
